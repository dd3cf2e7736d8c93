"""Corruptions of examples or codes, drawn anew at each use.

A corruption is called as `corruption(x, key, **knobs)` on `x: [B, ...]` and returns an array of the
same shape; each example has a key of its own.
"""

import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.numbers import Fraction, NonNegative
from genlab.registry import corruptions

Array = jax.Array


@corruptions.register
def gaussian_noise(x: Array, key: Array, *, std: NonNegative = 0.3) -> Array:
    """x + std * epsilon, epsilon ~ N(0, I); not clipped to the range of the data.

    Args:
      x: [B, ...].
      key: of this use.
      std: standard deviation, 0 or more, in the unit of x.

    Paper: Vincent et al. 2010, JMLR 11:3371-3408
    """
    return x + std * rng.normal(key, x.shape)


@corruptions.register
def masking(
    x: Array, key: Array, *, fraction: Fraction = 0.25, value: float = 0.0
) -> Array:
    """A fraction of the elements, each on its own, is set to `value`.

    Args:
      x: [B, ...].
      key: of this use.
      fraction: probability of each element, in [0, 1].
      value: what is put there; 0, or black of the data's range.

    Paper: Vincent et al. 2010, JMLR 11:3371-3408
    """
    return jnp.where(rng.bernoulli(key, fraction, x.shape), value, x)


@corruptions.register
def salt_and_pepper(
    x: Array,
    key: Array,
    *,
    fraction: Fraction = 0.25,
    low: float = 0.0,
    high: float = 1.0,
) -> Array:
    """A fraction of the elements is set to `low` or `high`, by a fair coin each.

    Args:
      x: [B, ...].
      key: of this use.
      fraction: probability of each element, in [0, 1].
      low: least value of the data.
      high: greatest value of the data.

    Paper: Vincent et al. 2010, JMLR 11:3371-3408
    """
    struck = rng.bernoulli(rng.fold(key, "struck"), fraction, x.shape)
    salt = rng.bernoulli(rng.fold(key, "salt"), 0.5, x.shape)
    return jnp.where(struck, jnp.where(salt, high, low), x)
