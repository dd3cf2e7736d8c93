"""What a critic pays for its slope, per example.

The norm of a slope is over all of an example, H, W and C together. Each has the knob `every`, see
`lazy`. A critic that takes labels is given those of the real examples.
"""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

from genlab.game import parallel, rng
from genlab.numbers import NonNegative
from genlab.objectives.lazy import lazy
from genlab.registry import objectives

Array = jax.Array
Critic = Callable[[Array], Array]


def of_slope(penalty: Callable) -> Callable:
    """Says of a penalty that it holds the slope of a discriminator's logit down, by its own example."""
    penalty.bounds_slope = penalty.slope_at_one_example = True
    return penalty


@objectives.register
@lazy
@of_slope
def r1(
    critic: Critic, real: Array, fake: Array, *, weight: NonNegative = 10.0
) -> Array:
    """Half the weighted squared slope of the critic at real examples, w/2 ||grad D(x)||^2.

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
    return 0.5 * weight * _squared_slope(critic, real)


r1.paid_by = "discriminator"


@objectives.register
@lazy
@of_slope
def r2(
    critic_of_fakes: Critic,
    real: Array,
    fake: Array,
    *,
    weight: NonNegative = 10.0,
) -> Array:
    """Half the weighted squared slope of the critic at generated examples, w/2 ||grad D(G(z))||^2.

    Args:
      critic_of_fakes: callable, examples [B, ...] to logits [B], given what the fakes were asked to be.
      real: [B, D], real examples; R2 does not look at them.
      fake: [B, D], generated examples, the same shape; any rank of two or more.
      weight: w, 0 or more.

    Returns:
      [B].

    Paper: Mescheder et al. 2018, arXiv:1801.04406
    """
    chex.assert_equal_shape([real, fake])
    return 0.5 * weight * _squared_slope(critic_of_fakes, fake)


@objectives.register
@lazy
@of_slope
def gradient_penalty(
    critic: Critic,
    real: Array,
    fake: Array,
    key: Array,
    *,
    weight: NonNegative = 10.0,
) -> Array:
    """Weighted squared distance from 1 of the critic's slope between data and fakes, WGAN-GP.

    w (||grad D(y)|| - 1)^2 at y = a x + (1 - a) G(z), one a ~ U[0, 1) for each example.

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
    return weight * _from_one(critic, share * real + (1 - share) * fake)


@objectives.register
@lazy
@of_slope
def dragan(
    critic: Critic,
    real: Array,
    key: Array,
    *,
    weight: NonNegative = 10.0,
    spread: NonNegative = 0.5,
) -> Array:
    """Weighted squared distance from 1 of the critic's slope around data, DRAGAN.

    w (||grad D(x + delta)|| - 1)^2, delta = c s u, s the standard deviation of all values of the batch
    and u ~ U[0, 1) for each value.

    Args:
      critic: callable, examples [B, ...] to logits [B].
      real: [B, D], real examples x; any rank of two or more.
      key: of u.
      weight: w, 0 or more.
      spread: c.

    Returns:
      [B].

    Paper: Kodali et al. 2017, arXiv:1705.07215
    """
    mean = parallel.mean_over_devices(jnp.mean(real))
    variance = parallel.mean_over_devices(jnp.mean(jnp.square(real - mean)))
    noise = rng.uniform(key, real.shape)
    return weight * _from_one(critic, real + spread * jnp.sqrt(variance) * noise)


dragan.paid_by = "discriminator"


def _squared_slope(critic: Critic, x: Array) -> Array:
    """||grad D(x)||^2 of each example, [B]."""
    slope = jax.grad(lambda x: jnp.sum(critic(x)))(x)
    return jnp.sum(jnp.square(slope), axis=tuple(range(1, slope.ndim)))


def _from_one(critic: Critic, x: Array) -> Array:
    """(||grad D(x)|| - 1)^2 of each example, [B]."""
    squared = _squared_slope(critic, x)
    # The norm has no gradient where the critic is flat.
    flat = squared == 0
    norm = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squared)))
    return jnp.square(norm - 1)
