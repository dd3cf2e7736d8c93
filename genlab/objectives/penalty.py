"""What a critic pays for its slope, per example."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.numbers import NonNegative
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def r1(
    critic: Callable[[Array], Array],
    real: Array,
    fake: Array,
    *,
    weight: NonNegative = 10.0,
) -> Array:
    """Half the weighted squared slope of the critic at real examples, w/2 ||grad D(x)||^2.

    The norm is over all of an example, H, W and C together.

    Args:
      critic: callable, examples [B, ...] to logits [B].
      real: [B, D], real examples; any rank of two or more.
      fake: [B, D], generated examples, the same shape; R1 does not look at them.
      weight: w, 0 or more.

    Returns:
      [B].

    Paper: Mescheder et al. 2018, arXiv:1801.04406
    """
    chex.assert_equal_shape([real, fake])
    slope = jax.grad(lambda x: jnp.sum(critic(x)))(real)
    axes = tuple(range(1, slope.ndim))
    return 0.5 * weight * jnp.sum(jnp.square(slope), axis=axes)


@objectives.register
def gradient_penalty(
    critic: Callable[[Array], Array],
    real: Array,
    fake: Array,
    key: Array,
    *,
    weight: NonNegative = 10.0,
) -> Array:
    """Weighted squared distance from 1 of the critic's slope between data and fakes, WGAN-GP.

    w (||grad D(y)|| - 1)^2 at y = a x + (1 - a) G(z), one a ~ U[0, 1) for each example; the norm is
    over all of an example, H, W and C together.

    Args:
      critic: callable, examples [B, ...] to logits [B].
      real: [B, D], real examples x; any rank of two or more.
      fake: [B, D], generated examples G(z), the same shape.
      key: of a.
      weight: w, 0 or more.

    Returns:
      [B].

    Paper: Gulrajani et al. 2017, arXiv:1704.00028
    """
    chex.assert_equal_shape([real, fake])
    share = rng.uniform(key, (real.shape[0], *(1 for _ in real.shape[1:])))
    slope = jax.grad(lambda x: jnp.sum(critic(x)))(share * real + (1 - share) * fake)
    squared = jnp.sum(jnp.square(slope), axis=tuple(range(1, slope.ndim)))
    # The norm has no gradient where the critic is flat.
    flat = squared == 0
    norm = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squared)))
    return weight * jnp.square(norm - 1)


for _penalty in (r1, gradient_penalty):
    _penalty.bounds_slope = _penalty.slope_at_one_example = True
