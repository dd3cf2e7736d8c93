"""How much nearer a map brings points, as a function of their distance."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from genlab.game import rng

Array = jax.Array


def contraction(
    function: Callable[[Array], Array],
    x: Array,
    directions: Array,
    radii: Sequence[float] | Array,
) -> Array:
    """Distance of the codes per distance of the inputs, ||f(x + r u) - f(x)|| / r.

    Averaged over examples and random directions u, as a function of r, this is the contraction
    curve of an encoder: 1 leaves distances as they are, less brings points together. Towards
    r = 0 it is ||J u||.

    Args:
      function: [B, ...] to [B, ...], each example on its own; called once per radius and once
        more.
      x: [B, ...].
      directions: [B, ...], u, of length 1.
      radii: R distances above 0, in units of x.

    Returns:
      [B, R], 0 or more.

    Paper: Rifai et al. 2011, Contractive Auto-Encoders, ICML
    """
    home = function(x)

    def ratio(radius: float | Array) -> Array:
        moved = function(x + radius * directions) - home
        return jnp.linalg.norm(moved.reshape(len(x), -1), axis=1) / radius

    return jnp.stack([ratio(radius) for radius in radii], axis=1)


def random_directions(key: Array, shape: tuple[int, ...]) -> Array:
    """Directions uniform on the sphere, one for each example: `shape` [B, ...], of length 1."""
    drawn = rng.normal(key, shape)
    axes = tuple(range(1, len(shape)))
    return drawn / jnp.sqrt(jnp.sum(jnp.square(drawn), axis=axes, keepdims=True))
