"""Real and generated examples before a discriminator."""

from collections.abc import Callable
from typing import Any

import jax

from genlab.game.experiment import Draw
from genlab.game.network import Network

Array = jax.Array
PyTree = Any
Terms = dict[str, dict[str, Array]]


def compare(
    discriminator: Network,
    objective: Callable[[Array, Array], Terms],
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    real: tuple[Array, ...],
    fake: tuple[Array, ...],
    *,
    which: str = "",
) -> tuple[Terms, PyTree]:
    """The objective's terms of both players, and `extra` with the discriminator's variables renewed.

    Real and generated examples are two batches: batch normalisation sees them apart. Logits of
    patches, [B, h, w], count as examples of their own.

    Args:
      discriminator: maps what it is shown to logits, [B] or [B, h, w].
      objective: takes the logits of real and of generated examples.
      params: of the state.
      extra: of the state.
      draw: whose keys are used.
      real: what the discriminator is shown of real examples.
      fake: the same of generated ones.
      which: tells several comparisons of one draw apart, in their keys.
    """
    logits = []
    for name, shown in (("real", real), ("fake", fake)):
        found, extra = discriminator.train(
            params, extra, *shown, key=draw.key(name + which)
        )
        logits.append(found.reshape(-1))
    return objective(*logits), extra
