"""A population: trials that differ in float knobs and seeds, trained by one compiled program."""

import hashlib
import logging
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.config.stage import MAIN, stages_of
from genlab.errors import InputError, Stopped
from genlab.game.turn import State
from genlab.process import display
from genlab.process.bar import Bar
from genlab.process.signals import Stop
from genlab.run.course import Course
from genlab.run.start import Sources
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.files import refuse_link
from genlab.sweep import mode, process
from genlab.sweep.cohort import Cohort, Crowd, Untraceable
from genlab.sweep.evolution import Evolution
from genlab.sweep.group import Knobs, group, pack
from genlab.sweep.member import Member
from genlab.training.meter import losses_between
from genlab.trials import failure, pruned
from genlab.trials.trial import Trial

_log = logging.getLogger("genlab")


class Population:
    """Trains the trials of one group in one program and writes each into its run folder.

    Args:
      trials: alike in all but seed and floats, see `group`.
      sweep: the folder of the sweep.
      evolution: how losers become copies of winners; None lets every trial be what it is.
    """

    def __init__(
        self, trials: list[Trial], sweep: Path, evolution: Evolution | None = None
    ):
        self.trials, self.sweep, self._evolution = trials, sweep, evolution
        self.course = Course.build(trials[0].config)
        columns = zip(*(stages_of(trial.config) for trial in trials), strict=True)
        self.cohorts = [
            Cohort(recipe, [stage.config for stage in stages])
            for recipe, stages in zip(self.course.recipes, columns, strict=True)
        ]
        names = "".join(trial.name for trial in trials)
        digest = hashlib.sha256(names.encode()).hexdigest()[:12]
        keep = trials[0].config["checkpoint"]["keep"]
        self.checkpoints = Checkpoints(
            sweep / f"population-{digest}", keep, self.course.ends, digest
        )

    def train(self, stop: Stop, until: int | None = None) -> Crowd:
        """From the newest checkpoint to `until`, or to the end and the results of every member.

        Returns:
          The members, after `until` rounds.

        Raises:
          Stopped: a signal asked to stop; the population is saved.
        """
        self.checkpoints.clean()
        done = self.checkpoints.newest() or 0
        recipe = self.course.last
        self.members = []
        with ExitStack() as logs:
            logs.callback(self.checkpoints.wait)
            for trial in self.trials:
                member = Member(trial, recipe, self.sweep, done)
                logs.callback(member.writers.close)
                self.members.append(member)
            logs.enter_context(process.recorded(m.workdir for m in self.members))
            return self._train_stages(done, until, stop)

    def _train_stages(self, done: int, until: int | None, stop: Stop) -> Crowd:
        sources = self.course.sources
        for cohort in self.cohorts:
            crowd = self._newest(cohort, done, sources)
            crowd = self._train(cohort, crowd, until, stop)
            sources = {**sources, cohort.recipe.stage: self._view(cohort, crowd)}
        if until is None:
            self._finish(crowd)
        return crowd

    def _finish(self, crowd: Crowd) -> None:
        for index, member in enumerate(self.members):
            trained, state = (
                self.cohorts[-1].view(crowd, index),
                self.state(crowd, index),
            )
            with display.doing(f"finishing trial {index + 1} of {len(self.members)}"):
                member.finish(trained, state, self.course.last.begin)

    def state(self, crowd: Crowd, index: int) -> State:
        """The state of one member."""
        return jax.tree.map(lambda leaf: np.asarray(leaf[index]), crowd.state)

    def adopt(self, states: dict[str, State]) -> None:
        """Takes its members, by the names of their trials, out of other populations."""
        state = jax.tree.map(
            lambda *leaves: np.stack(leaves),
            *(states[trial.name] for trial in self.trials),
        )
        crowd = Crowd(state, self.cohorts[-1].knobs.values)
        self.checkpoints.save(crowd, int(np.max(state.step)))

    def _newest(self, cohort: Cohort, done: int, sources: Sources) -> Crowd:
        step = min(done, cohort.plan.steps)
        if step > cohort.plan.begin:
            return cohort.place(self.checkpoints.read(step, cohort.shapes()))
        return cohort.place(cohort.first(sources))

    def _view(self, cohort: Cohort, crowd: Crowd) -> Any:
        view = cohort.recipe.experiment.view
        return jax.device_get(jax.vmap(view)(crowd.state))

    def _train(
        self, cohort: Cohort, crowd: Crowd, until: int | None, stop: Stop
    ) -> Crowd:
        plan, step = cohort.plan, int(np.max(crowd.state.step))
        end = plan.steps if until is None else min(until, plan.steps)
        # What was measured where it stands is not kept; a run alone looks at its start as well.
        if step == until or (step == plan.begin and plan.periods["eval"]):
            self._evaluate(cohort, crowd)
        if step >= end:
            return crowd
        resident, rounds = cohort.resident(), plan.rounds_per_call(step)
        bar, call = Bar(plan.steps, step), display.compiling(cohort.call)
        begun = None  # once the first call, which compiles, is over
        with display.watching(bar):
            while step < end:
                crowd, metrics = call(crowd, resident, step, rounds)
                step += rounds
                rows = jax.device_get(metrics)
                for index, member in enumerate(self.members):
                    own = {name: row[index] for name, row in rows.items()}
                    member.log(step, own, cohort.recipe.stage, "log" in plan.due(step))
                now = time.monotonic()
                bar.advance(step, partial(losses_between, rows), begun and now - begun)
                crowd, begun = self._look(cohort, crowd, step), time.monotonic()
                self.checkpoints.look_after()
                if step == end or stop.signal:
                    self.checkpoints.save(crowd, step)
                elif "checkpoint" in plan.due(step):
                    self.checkpoints.save_beside(crowd, step)
                if stop.signal:
                    raise Stopped(f"stopped by {stop.signal} after step {step}; saved")
        return crowd

    def _evaluate(self, cohort: Cohort, crowd: Crowd) -> None:
        for index, member in enumerate(self.members):
            state = self.state(crowd, index)
            member.evaluate(cohort.view(crowd, index), state, cohort.recipe)

    def _look(self, cohort: Cohort, crowd: Crowd, step: int) -> Crowd:
        """Evaluates the members where that is due, and lets them evolve."""
        if "eval" not in cohort.plan.due(step):
            return crowd
        self._evaluate(cohort, crowd)
        evolution = self._evolution
        goes_on = cohort.recipe.stage == MAIN and step < cohort.plan.steps
        if evolution and goes_on and evolution.is_due(step):
            return cohort.place(evolution.step(cohort, crowd, self.members, step))
        return crowd


def check(trials: list[Trial]) -> None:
    """Raises InputError for trials that a population cannot hold."""
    for trial in trials:
        if trial.config["parallel"] != "jit":
            raise InputError(
                f"parallel={trial.config['parallel']!r} is not for populations, which split their"
                " members over the devices; take parallel='jit'"
            )


def parts_of(trials: list[Trial]) -> list[list[Trial]]:
    """The trials in parts that one program each can train."""
    return [part for one in group(trials) for part in pack(one)]


def _traceable(parts: list[list[Trial]], sweep: Path) -> list[list[Trial]]:
    """The parts that one program each can train; the trials of the others are recorded as failed.

    Raises:
      Untraceable: it is all of them.
      InputError: the folder of such a trial is a link to another place.
    """
    kept, refusal = [], None
    for part in parts:
        if _is_finished(part, sweep):
            kept.append(part)
            continue
        try:
            if Knobs.of([trial.config for trial in part]).paths:
                Population(part, sweep)
            kept.append(part)
        except Untraceable as error:
            refusal = error
            for trial in part:
                refuse_link(trial.folder(sweep))
                trial.folder(sweep).mkdir(parents=True, exist_ok=True)
                failure.record(trial.folder(sweep), str(error))
            _log.warning("%d trials failed: %s", len(part), error)
    if refusal is not None and not kept:
        raise refusal
    return kept


def _is_finished(part: list[Trial], sweep: Path) -> bool:
    return all(trial.results(sweep) is not None for trial in part)


def train(
    trials: list[Trial], sweep: Path, stop: Stop, evolution: Evolution | None = None
) -> None:
    """Trains every trial that has no results yet, a population for each group.

    Raises:
      InputError: a folder whose populations were trained in another mode, or trials of which none
        can be one of several in a program.
      Stopped: a signal asked to stop; the population is saved.
    """
    parts = _traceable(parts_of(trials), sweep)
    mode.claim(sweep, **(evolution.mode if evolution else {}))
    for number, part in enumerate(parts, 1):
        if not _is_finished(part, sweep):
            _log.info("population %d of %d: %d trials", number, len(parts), len(part))
            pruned.forget(part, sweep)
            Population(part, sweep, evolution).train(stop)
