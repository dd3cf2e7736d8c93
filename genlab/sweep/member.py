"""One trial of a population: its run folder, its log, its evaluation, its failure."""

import json
import logging
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import NonFiniteLoss, PartFailed
from genlab.evaluation import evaluate
from genlab.evaluation.alarm import sound
from genlab.evaluation.results import write_newest_and_best
from genlab.game.turn import State
from genlab.run.build import SECTIONS, build_experiment
from genlab.run.folder import claim, identity, locked
from genlab.run.recipe import Recipe
from genlab.storage import sidefile
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.files import refuse_link, write_atomic
from genlab.storage.writer import last_step
from genlab.trained.trained import Trained
from genlab.training.meter import average, refuse_non_finite
from genlab.training.watch import evaluated, split_name
from genlab.trials import failure, pruned
from genlab.trials.tail import value_of
from genlab.trials.trial import Trial
from genlab.writers.log import Log, Subject

_FAILED_AT = re.compile(r"step (\d+):")  # how the reason of a failed round begins

_log = logging.getLogger("genlab")


class Member:
    """Keeps a member's log while its population trains, and ends it as a run of its own.

    Args:
      trial: what the member is.
      shared: the population's recipe of the last stage; its data serve the member too.
      sweep: the folder of the sweep.
      step: rounds done at the start.

    Attributes:
      values: what was measured last, by flat name.
      failure: why the trial has no results; empty while nothing is wrong.
    """

    def __init__(self, trial: Trial, shared: Recipe, sweep: Path, step: int):
        self.trial, self._sweep = trial, sweep
        self.workdir = trial.folder(sweep)
        self.values: dict[str, float] = {}
        self._failures: evaluate.Failures = {}
        self._rows: list[dict[str, np.ndarray]] = []
        config = trial.config
        spec = {section: config[section] for section in SECTIONS}
        self.experiment = build_experiment(spec, shared.data, config["dtype"])
        refuse_link(self.workdir)
        with locked(self.workdir):
            trial.mend(sweep)
            run = identity(self.workdir)
            recipe = replace(shared, config=config, experiment=self.experiment)
            about = {"run": run, "source": trial.source, "alone": False}
            claim(self.workdir, recipe, trial.overrides, **about)
            self.checkpoints = Checkpoints(
                self.workdir / "checkpoints", config["checkpoint"]["keep"], run=run
            )
            self.checkpoints.clean()
        if step == 0 and (lost := last_step(self.workdir)):
            _log.warning(
                "trial %s had trained %d rounds, of which no checkpoint is left; it starts over",
                trial.name,
                lost,
            )
        self.failure = self._failure_until(step)
        self.writers = Log(Subject(self.workdir, run, config, step))

    def _failure_until(self, step: int) -> str:
        """Why the trial failed in its first `step` rounds; a later failure is forgotten."""
        reasons = [failure.recorded(self.workdir)]
        # Of copies that are still to come: what they ended had happened before.
        reasons += [line["failed"] for line in self._history() if line["step"] > step]
        for reason in reasons:
            found = _FAILED_AT.match(reason)
            if found and int(found[1]) <= step:
                return reason
        (self.workdir / failure.FILE).unlink(missing_ok=True)
        return ""

    def _history(self) -> list[dict]:
        return sidefile.read(self.workdir / "evolution.json", _is_history) or []

    def become(self, parent: "Member", step: int, knobs: dict[str, float]) -> None:
        """Records that the member is a copy of another from here on, which ends its failure.

        Lines of `evolution.json` that a killed run wrote later are dropped.
        """
        line = {"step": step, "from": parent.trial.name, "knobs": knobs}
        history = [line for line in self._history() if line["step"] < step]
        history.append({**line, "failed": self.failure})
        write_atomic(self.workdir / "evolution.json", json.dumps(history, indent=1))
        (self.workdir / failure.FILE).unlink(missing_ok=True)
        self.failure = ""

    def _fail(self, reason: str) -> None:
        self.failure = reason
        failure.record(self.workdir, reason)

    def log(
        self, step: int, rows: dict[str, np.ndarray], stage: str, due: bool
    ) -> None:
        """Takes the metrics of a call, `[rounds]` each; a loss that is not finite is recorded.

        Args:
          step: rounds done.
          rows: metrics by name.
          stage: what was trained.
          due: whether a line is due.
        """
        if self.failure:
            return
        try:
            refuse_non_finite(rows, step - len(next(iter(rows.values()))))
        except NonFiniteLoss as error:
            self._fail(str(error).partition(";")[0])
            _log.warning(
                "trial %s %s: %s", self.trial.name, self.trial.overrides, error
            )
            return
        self._rows.append(rows)
        if due:
            self.writers.write(step, split_name(stage, "train"), average(self._rows))
            self._rows = []

    def evaluate(self, trained: Trained, state: State, recipe: Recipe) -> None:
        """Measures as the run alone would; keeps the best state."""
        self.values = {}
        if not self.failure and _all_finite(state):
            self.values = evaluated(
                trained,
                state,
                recipe,
                self.writers,
                self.checkpoints,
                self._failures,
            )

    def score(self, target: str) -> float:
        """The value of `NAME`, or of `-NAME` negated; infinity where it is not a number."""
        value = self.values.get(target.removeprefix("-"), math.nan)
        value = -value if target.startswith("-") else value
        return value if math.isfinite(value) else math.inf

    def prune(self, state: State, target: str, value: float | None) -> None:
        """Ends the trial as a loser; its state is kept, so that it can go on alone."""
        step = int(state.step)
        with locked(self.workdir):
            if _all_finite(state):
                self.checkpoints.save(state, step)
            pruned.record(self.workdir, step, target, value)

    def finish(self, trained: Trained, state: State, begin: int = 0) -> None:
        """Saves the member as a run of its own, with results, pictures and report; its last stage began
        after `begin` rounds."""
        if not self.failure and not _all_finite(state):
            self._fail("the state is not finite")
        if self.failure or self.trial.results(self._sweep) is not None:
            return
        with locked(self.workdir):
            self.checkpoints.save(state, int(state.step))
            chosen = self.trial.config["sample"]["plots"]
            folder, failures = self.workdir / "samples", self._failures
            pictures = evaluate.save_pictures(trained, chosen, folder, failures)
            for plot, path in pictures.items():
                self.writers.picture(trained.step, plot, path)
            sound(self.experiment, self.workdir, f"trial {self.trial.name}: ")
            try:
                known = (self.trial.config, self.checkpoints, begin)
                write_newest_and_best(
                    self.workdir, trained, state, *known, failures=failures
                )
            except PartFailed as error:
                _log.warning("trial %s: %s", self.trial.name, error)


def _is_history(content: Any) -> bool:
    return isinstance(content, list) and all(
        type(line["step"]) is int and isinstance(line["failed"], str)
        for line in content
    )


def _all_finite(state: State) -> bool:
    leaves = jax.tree.leaves(state.params)
    return all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)


def check_target(members: Iterable[Member], target: str) -> None:
    """Raises InputError where the target is none of the values that were measured last.

    One whose metric failed at this evaluation passes: nobody has a value of it this time.
    """
    measured = sorted({name for member in members for name in member.values})
    value_of(dict.fromkeys(measured), target)
