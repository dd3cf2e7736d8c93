"""log p(x) by the probability flow."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from genlab.diffusion.path import Path
from genlab.diffusion.sampler import Denoise, drift
from genlab.game import rng

Array = jax.Array
BEGIN = 1e-5  # the time at which the flow begins; some paths move infinitely fast at 0


def log_density(
    path: Path, denoise: Denoise, x: Array, key: Array, *, steps: int, exact: bool
) -> Array:
    """log p(x) = log N(x_1; 0, sigma(1)^2 I) + integral of div f(x_t, t) dt along the probability flow f.

    The integral is taken by the classical Runge-Kutta method, in steps that are even in sqrt(t).

    Args:
      path: of the model.
      denoise: the model.
      x: [B, ...].
      key: of the estimate of the divergence.
      steps: of the flow, four predictions each.
      exact: whether the divergence is the trace of the Jacobian, at the cost of as many derivatives as x has
        numbers; else v^T J v with one v of signs for each example, unbiased (Hutchinson).

    Returns:
      [B], nats.

    Paper: Song et al. 2021, arXiv:2011.13456; Grathwohl et al. 2019, arXiv:1810.01367
    """
    signs = 2.0 * rng.bernoulli(key, 0.5, x.shape) - 1.0

    def rate(x: Array, root: Array) -> tuple[Array, Array]:
        """Of x and of the integral, by sqrt(t)."""
        field = lambda x: 2 * root * drift(path, denoise, x, jnp.square(root))
        if exact:
            return field(x), _trace(field, x)
        moved, along = jax.jvp(field, (x,), (signs,))
        return moved, jnp.sum(signs * along, axis=tuple(range(1, x.ndim)))

    def step(carry: tuple[Array, Array], root: Array) -> tuple[tuple, None]:
        x, total = carry
        first = rate(x, root)
        second = rate(x + 0.5 * width * first[0], root + 0.5 * width)
        third = rate(x + 0.5 * width * second[0], root + 0.5 * width)
        last = rate(x + width * third[0], root + width)
        mean = [
            (a + 2 * b + 2 * c + d) / 6
            for a, b, c, d in zip(first, second, third, last, strict=True)
        ]
        return (x + width * mean[0], total + width * mean[1]), None

    begin = math.sqrt(BEGIN)
    width = (1.0 - begin) / steps
    roots = begin + width * jnp.arange(steps)
    (end, total), _ = lax.scan(step, (x, jnp.zeros(x.shape[0])), roots)
    variance = jnp.square(path.levels(jnp.ones(()))[1])
    gaussian = jnp.square(end) / variance + jnp.log(2 * math.pi * variance)
    return total - 0.5 * jnp.sum(gaussian, axis=tuple(range(1, x.ndim)))


def _trace(field: Callable[[Array], Array], x: Array) -> Array:
    """The divergence of a field, of each example by itself: [B]."""
    shape = x.shape[1:]

    def partial(direction: Array) -> Array:
        direction = jnp.broadcast_to(direction, x.shape)
        along = jax.jvp(field, (x,), (direction,))[1]
        return jnp.sum(direction * along, axis=tuple(range(1, x.ndim)))

    basis = jnp.eye(math.prod(shape)).reshape(-1, 1, *shape)
    return jnp.sum(lax.map(partial, basis), axis=0)
