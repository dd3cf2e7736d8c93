"""Expectation maximisation as the descent of a player.

A model of an exponential family in (x, z) has as parameters the means s of its sufficient statistics
S(x, z). The gradient of -log p(x) by the natural parameters is s - E[S | x], so that one step of SGD on
s along it, at rate r,

  s <- s - r (s - mean over the batch of E[S | x])

is stepwise EM, and at rate 1 on all examples EM itself. The step is a mean over examples, as gradients
are: devices share it, accumulation makes one of many batches, a schedule of the rate makes it online.

Nothing has been seen where s is 0. A model reads s up to a factor, so that rates below 1 have no start to
forget.

Papers: Dempster, Laird & Rubin 1977, JRSS B 39:1-38; stepwise: Cappe & Moulines 2009, JRSS B
  71:593-613; as natural gradient: Sato 2001, Neural Comput. 13:1649-1681
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
PyTree = Any


def towards(cost: Array, now: PyTree, target: PyTree) -> Array:
    """`cost`, whose gradient by `now` is made `now - target`.

    Args:
      cost: [B], its value stays.
      now: parameters.
      target: where a step of rate 1 leads to; the mean over the devices' shares of the batch.

    Returns:
      [B].
    """
    fixed = jax.lax.stop_gradient
    pairs = zip(jax.tree.leaves(now), jax.tree.leaves(target), strict=True)
    pull = sum(jnp.sum(one * fixed(one - other)) for one, other in pairs)
    return fixed(cost) + (pull - fixed(pull))


def seen_or_else(mass: Array, model: Callable, first: Callable) -> PyTree:
    """What `model()` makes of statistics where they have seen examples, and `first()` before.

    Args:
      mass: [], 0 before the first example.
      model: of a pytree.
      first: of the same structure.
    """
    return jax.lax.cond(mass > 0, model, first)


def share(part: Array, whole: Array) -> Array:
    """`part / whole`, and 0 where the whole is nothing."""
    there = whole > 0
    return jnp.where(there, part, 0.0) / jnp.where(there, whole, 1.0)
