"""A round that was not finite, played again: whose move it was, and where in it the number arose."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.config.plan import Plan
from genlab.errors import InputError, NonFiniteLoss, NotReproduced
from genlab.game.turn import State
from genlab.process import display
from genlab.run.course import before_next_round
from genlab.run.recipe import Recipe
from genlab.storage.tree import flatten
from genlab.training.meter import DERIVED, refuse_non_finite
from genlab.training.origin import Origin, origin
from genlab.training.rounds import rounds_of
from genlab.trials import failure

_log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Replay:
    """A round that is not finite again.

    Attributes:
      step: the round, counted from 1.
      trained: the round that was not when the run was trained.
      player: who moved as the first number arose that is not finite; empty where it was there before.
      terms: what of the player, or where there is none of any, is not finite: name -> value.
      origin: the first operation that made such a number.
      argument: what was not finite before the round, by its path; empty for an operation.
    """

    step: int
    trained: int
    player: str
    terms: Mapping[str, float]
    origin: Origin
    argument: str

    def __str__(self) -> str:
        terms = ", ".join(f"{name!r} is {value}" for name, value in self.terms.items())
        whose = f" of player {self.player!r}" if self.player else ""
        when = "as" if self.step == self.trained else f"{self.trained}"
        again = f"{when} when it was trained"
        lines = [f"step {self.step}{whose}: {terms} ({again})"]
        if self.argument:
            return f"{lines[0]}\nfirst not finite: {self.argument}, before the round"
        lines.append(f"first not finite: {self._place()}")
        lines += [f"  given {operand}" for operand in self.origin.operands]
        lines += [f"  made  {result}" for result in self.origin.result]
        return "\n".join(lines)

    def _place(self) -> str:
        found = self.origin
        way = "the gradient of " if found.backward else ""
        scopes = [name for name in found.scopes if not name.startswith("player ")]
        inside = f" in {way}{' / '.join(scopes)}" if scopes else ""
        return f"{found.operation}{inside}{f' ({found.line})' * bool(found.line)}"


def replay(workdir: Path, place: Mapping[str, Any]) -> Replay:
    """Plays the rounds after the state that a run kept before a loss that was not finite, one by one,
    and the one that is not finite again operation by operation.

    Args:
      workdir: the run folder.
      place: where the run's data lie now, see `load_run`.

    Raises:
      InputError: no run folder, or one whose run did not end that way.
      NotReproduced: the rounds are finite now.
    """
    trained = NonFiniteLoss.step_of(failure.recorded(workdir))
    if trained is None:
        raise InputError(
            f"run folder {str(workdir)!r} has not ended on a loss that is not finite"
            " (`genlab runs` lists how runs ended); there is nothing to replay"
        )
    with display.doing("building data and networks"):
        recipe, state = before_next_round(workdir, place)
    return first_failure(recipe, state, trained)


def first_failure(recipe: Recipe, state: State, trained: int) -> Replay:
    """The first round after a state that is not finite.

    Args:
      recipe: of the stage that the round lies in.
      state: before it, by less than a call of rounds.
      trained: the round that was not finite when the run was trained, counted from 1.

    Raises:
      NotReproduced: every round up to the end of that call is finite.
    """
    inputs, metrics, error = _failing_round(recipe, state, trained)
    _log.info("step %s is not finite again; looking for where", error.step)
    remat = recipe.config["remat"]
    rounds = rounds_of(recipe.experiment, recipe.feed(), recipe.begin, remat)
    with display.doing(f"playing step {error.step} operation by operation"):
        traced = jax.make_jaxpr(lambda *given: rounds(*given)[1])(*inputs)
        found = origin(traced, jax.tree.leaves(inputs))
    if found is None:
        raise NotReproduced(
            f"step {error.step} is not finite as one program, and finite operation by operation:"
            " rounding decides, so numbers are near to overflow; a smaller learning rate, or"
            " clip=1.0 on the optimizer, may help"
        )
    return _told(found, inputs, metrics, error.step, trained)


def _failing_round(
    recipe: Recipe, state: State, trained: int
) -> tuple[tuple, dict[str, float], NonFiniteLoss]:
    """What the first round that is not finite is given, its metrics, and what training said of it."""
    feed, begin = recipe.feed(), int(state.step)
    remat = recipe.config["remat"]
    program = jax.jit(rounds_of(recipe.experiment, feed, recipe.begin, remat))
    plan, seed = Plan.of(recipe.config, recipe.begin), np.uint32(recipe.config["seed"])
    end = max(trained, begin + plan.most_rounds(begin))
    for step in range(begin, min(end, plan.steps)):
        inputs = (state, feed.resident, feed.chunk(step, 1), seed)
        state, rows = program(*inputs)
        rows = jax.device_get(rows)
        try:
            refuse_non_finite(rows, step)
        except NonFiniteLoss as error:
            return inputs, {name: float(row[0]) for name, row in rows.items()}, error
    raise NotReproduced(
        f"rounds {begin + 1} to {step + 1} are finite now, and step {trained} was not when the run"
        " was trained; other devices or another jax round differently"
    )


def _told(
    found: Origin,
    inputs: Sequence[Any],
    metrics: Mapping[str, float],
    step: int,
    trained: int,
) -> Replay:
    players = [name for name in found.scopes if name.startswith("player ")]
    player = players[0].removeprefix("player ") if players else ""
    bad = {name: value for name, value in metrics.items() if not np.isfinite(value)}
    own = {
        name.removeprefix(f"{player}/"): value
        for name, value in bad.items()
        if name.startswith(f"{player}/")
    }
    terms = {name: value for name, value in own.items() if name not in DERIVED}
    argument = ""
    if not found.operation:
        state, resident, chunk, _ = inputs
        named = {"state": state, "data": resident, "batch": chunk}
        argument = list(flatten(named))[found.argument]
    return Replay(step, trained, player, terms or own or bad, found, argument)
