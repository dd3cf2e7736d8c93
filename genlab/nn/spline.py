"""Monotonic rational-quadratic splines."""

import jax
import jax.numpy as jnp

Array = jax.Array

LEAST = 1e-3  # of a bin's share of the whole width, and of a slope


def spline(
    x: Array, widths: Array, heights: Array, slopes: Array, *, bound: float, back: bool
) -> tuple[Array, Array]:
    """A spline from [-bound, bound] onto itself, the identity outside, and the logarithm of its slope.

    Between two knots it is a quotient of two quadratics that has the knots' slopes; those at both ends are 1.

    Args:
      x: [...].
      widths: [..., K], logits of the K bins' shares on the side of x.
      heights: [..., K], the same on the other side.
      slopes: [..., K - 1], of the inner knots, before a softplus; 0 for a slope near 1.
      bound: of the interval.
      back: whether the inverse is taken.

    Returns:
      What it maps to, [...], and the logarithm of the slope there, [...].

    Paper: Durkan et al. 2019, arXiv:1906.04032
    """
    across, up = _knots(widths, bound), _knots(heights, bound)
    # softplus(0.5413) is 1.
    inner = LEAST + (1 - LEAST) * jax.nn.softplus(slopes + 0.5413)
    ones = jnp.ones_like(inner[..., :1])
    slope = jnp.concatenate([ones, inner, ones], axis=-1)
    inside = jnp.abs(x) < bound
    at = jnp.where(inside, x, 0.0)
    place = jnp.sum(at[..., None] >= (up if back else across)[..., 1:-1], axis=-1)
    take = lambda knots, shift=0: jnp.take_along_axis(
        knots, place[..., None] + shift, axis=-1
    )[..., 0]
    left, width = take(across), take(across, 1) - take(across)
    low, height = take(up), take(up, 1) - take(up)
    steep, first, last = height / width, take(slope), take(slope, 1)
    bend = first + last - 2 * steep
    if back:
        rise = at - low
        a = height * (steep - first) + rise * bend
        b = height * first - rise * bend
        c = -steep * rise
        share = 2 * c / (-b - jnp.sqrt(jnp.maximum(b * b - 4 * a * c, 0.0)))
    else:
        share = (at - left) / width
    both = share * (1 - share)
    below = steep + bend * both
    value = low + height * (steep * share**2 + first * both) / below
    rate = steep**2 * (last * share**2 + 2 * steep * both + first * (1 - share) ** 2)
    log_slope = jnp.log(rate) - 2 * jnp.log(below)
    if back:
        value, log_slope = left + share * width, -log_slope
    return jnp.where(inside, value, x), jnp.where(inside, log_slope, 0.0)


def _knots(logits: Array, bound: float) -> Array:
    """K + 1 places from -bound to bound, [..., K + 1]."""
    shares = jax.nn.softmax(logits, axis=-1)
    shares = LEAST + (1 - LEAST * logits.shape[-1]) * shares
    ends = jnp.cumsum(shares, axis=-1)[..., :-1]
    first = jnp.zeros_like(ends[..., :1])
    whole = jnp.concatenate([first, ends, first + 1.0], axis=-1)
    return bound * (2 * whole - 1)
