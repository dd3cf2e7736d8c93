"""What a critic pays for its slope, per example."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

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


r1.bounds_slope = r1.slope_at_one_example = True
