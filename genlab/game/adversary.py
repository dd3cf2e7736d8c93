"""Real and generated examples before a discriminator."""

from collections.abc import Mapping
from typing import Any

import jax

from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw
from genlab.part import as_terms, name_of

Array = jax.Array
PyTree = Any
Terms = dict[str, dict[str, Array]]

PLAYERS = ("discriminator", "generator")
OFFER = ("real_logits", "fake_logits", "real", "fake")  # to an objective of both


def compare(
    experiment: Experiment,
    role: str,
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
    patches, [B, h, w], count as examples of their own. A discriminator that takes labels sees those of
    the real examples with both.

    Args:
      experiment: its objective is offered the logits of real and of generated examples, and these
        themselves.
      role: of the discriminator, which maps what it is shown to logits, [B] or [B, h, w].
      params: of the state.
      extra: of the state.
      draw: whose keys are used.
      real: what the discriminator is shown of real examples, these last.
      fake: the same of generated ones.
      which: tells several comparisons of one draw apart, in their keys.

    Raises:
      InputError: the objective has no terms of one of both.
    """
    logits, discriminator = [], experiment.networks[role]
    for name, shown in (("real", real), ("fake", fake)):
        found, extra = discriminator.train(
            params,
            extra,
            *shown,
            key=draw.key(name + which),
            label=draw.batch.get("label"),
        )
        logits.append(found.reshape(-1))
    found = experiment.ask(
        "objective",
        draw,
        stream=f"objective/{role}{which}",
        real_logits=logits[0],
        fake_logits=logits[1],
        real=real[-1],
        fake=fake[-1],
    )
    return _of_both(name_of(experiment.objective), found), extra


def _of_both(objective: str, found: Any) -> Terms:
    """The terms of both players, by name, that an objective returned."""
    for player in PLAYERS:
        if not isinstance(found, Mapping) or player not in found:
            raise InputError(
                f"objective {objective!r} returned no terms of {player!r}; between two it is a dict of"
                f" {' and '.join(map(repr, PLAYERS))}, each with terms"
            )
    return {player: as_terms(found[player], "objective") for player in PLAYERS}
