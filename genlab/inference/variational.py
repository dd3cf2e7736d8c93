"""Variational inference of each example by itself: q is fitted, not told by an encoder."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from genlab.game import rng
from genlab.numbers import Count, Positive

Array = jax.Array
PyTree = Any


def fitted(
    bound: Callable[[PyTree, Array], Array],
    start: PyTree,
    key: Array,
    *,
    steps: Count,
    learning_rate: Positive,
) -> PyTree:
    """Variational parameters after steps of Adam on the bound of each example alone.

    All examples move at once; none sees another, since Adam scales each number by itself. It may be
    differentiated through, as a semi-amortised posterior is.

    Args:
      bound: `bound(q, key)`, the negative ELBO of each example, [B] nats; `key` renews its draws.
      start: q, leaves `[B, ...]`.
      key: of the draws of all steps.
      steps: of Adam.
      learning_rate: of Adam; it falls to 0 by a half cosine, since the bound is drawn.

    Returns:
      As `start`.

    Papers: Hoffman, Blei, Wang & Paisley 2013, JMLR 14:1303-1347; from an encoder: Kim et al. 2018,
      arXiv:1802.02550
    """
    schedule = optax.cosine_decay_schedule(1.0, steps)
    transform = optax.adam(lambda step: learning_rate * schedule(step))

    def move(held: tuple[PyTree, PyTree], index: Array):
        q, state = held
        one = rng.fold(key, index)
        slope = jax.grad(lambda q: jnp.sum(bound(q, one)))(q)
        update, state = transform.update(slope, state, q)
        return (optax.apply_updates(q, update), state), None

    held = (start, transform.init(start))
    (q, _), _ = jax.lax.scan(move, held, jnp.arange(steps))
    return q
