"""The Jacobian of a map at every example, its singular values, and the dimension they span."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Array = jax.Array

CHUNK = (
    32  # examples differentiated at a time; each takes min(K, D) passes side by side
)


def jacobian(
    function: Callable[[Array], Array], x: Array, *, chunk: int = CHUNK
) -> Array:
    """J = df/dx of every example, by reverse or forward mode, whichever takes fewer passes.

    Args:
      function: traceable, [B, ...] to [B, ...], each example on its own.
      x: [B, ...] float; D numbers an example, of which `function` makes K.
      chunk: examples differentiated at a time.

    Returns:
      [B, K, D].
    """
    return jax.lax.map(at_one_example(function, x), x, batch_size=chunk)


def singular_values(
    function: Callable[[Array], Array], x: Array, *, chunk: int = CHUNK
) -> Array:
    """Singular values of J = df/dx of every example, the largest first.

    No more than `chunk` Jacobians are held at a time. The root of the sum of the squares is the
    Frobenius norm ||J||_F.

    Args:
      function: traceable, [B, ...] to [B, ...], each example on its own.
      x: [B, ...] float; D numbers an example, of which `function` makes K.
      chunk: examples differentiated at a time.

    Returns:
      [B, min(K, D)], 0 or more.
    """
    at = at_one_example(function, x)
    return jax.lax.map(
        lambda example: jnp.linalg.svd(at(example), compute_uv=False),
        x,
        batch_size=chunk,
    )


def effective_dimension(singular_values: Array) -> Array:
    """Participation ratio of the squared singular values, (sum_i s_i^2)^2 / sum_i s_i^4.

    r equal values and zeros otherwise give r; unlike a count of the values above a threshold it
    has no knob and is smooth. No value above 0 gives 0.

    Args:
      singular_values: [..., R], 0 or more.

    Returns:
      [...] in [0, R].
    """
    largest = jnp.max(singular_values, axis=-1, keepdims=True)
    # Relative to the largest, so that no fourth power leaves the range of float32.
    shares = jnp.square(singular_values / jnp.where(largest > 0, largest, 1))
    total = jnp.sum(shares, axis=-1)
    # The largest share is 1, or else all are 0 and so is the numerator.
    return jnp.square(total) / jnp.maximum(jnp.sum(jnp.square(shares), axis=-1), 1)


def at_one_example(
    function: Callable[[Array], Array], x: Array
) -> Callable[[Array], Array]:
    """A function of one example `[...]` of `x: [B, ...]` to its Jacobian [K, D].

    By reverse or forward mode, whichever takes fewer passes.
    """

    def code(example: Array) -> Array:
        return function(example[None])[0].reshape(-1)

    example = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
    outputs = jax.eval_shape(code, example).size
    derivative = jax.jacrev if outputs <= example.size else jax.jacfwd
    return lambda example: derivative(code)(example).reshape(outputs, -1)
