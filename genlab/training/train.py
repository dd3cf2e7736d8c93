"""The loop, the only one: rounds in compiled calls, and between calls what is due."""

import logging
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.config.plan import Plan
from genlab.config.stage import MAIN
from genlab.errors import NonFiniteLoss, Stopped
from genlab.evaluation import evaluate
from genlab.evaluation.alarm import sound
from genlab.evaluation.results import write_newest_and_best
from genlab.game import parallel
from genlab.game.program import Program
from genlab.game.turn import State
from genlab.process import display, peak, peers
from genlab.process.bar import Bar
from genlab.process.command import program
from genlab.process.signals import Stop, stop_requested
from genlab.run import together
from genlab.run.course import Course
from genlab.run.folder import read_results
from genlab.run.recipe import Recipe
from genlab.run.start import Sources
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.crew import Together
from genlab.storage.writer import lines_of
from genlab.trained.helpers import Helpers
from genlab.training import operations
from genlab.training.claim import claimed, held
from genlab.training.fit import check_fit
from genlab.training.meter import Meter, Work
from genlab.training.page import Page, kept
from genlab.training.profile import Profile
from genlab.training.rounds import rounds_of
from genlab.training.summary import opening
from genlab.training.watch import evaluated, split_name
from genlab.trials import failure
from genlab.writers.log import Log, Subject, Unwritten

_log = logging.getLogger("genlab")


def train(
    config: dict[str, Any],
    workdir: Path,
    overrides: dict[str, Any],
    source: Path | None = None,
    profile: int = 0,
) -> State:
    """Trains the recipe of a plain config in its run folder, from wherever the folder stands.

    Of several processes the first looks after the folder; the others compute, help it where it evaluates, and
    write their share of checkpoints.

    Args:
      config: the plain config.
      workdir: the run folder.
      overrides: what the command line set.
      source: the config file; None where there is none.
      profile: rounds to trace, of those that this call trains; see `Profile`.

    Returns:
      The final state.

    Raises:
      InputError: a config that cannot be built, or a folder that another run holds or made.
      NonFiniteLoss: training diverged; the newest checkpoint is from before.
      Stopped: a signal asked to stop; the state is saved.
      PartFailed: a metric or plot failed; results, report and the state are written.
    """
    with display.shown(), kept(workdir) as page:
        with display.doing("building data and networks"):
            together.check_config(config)
            course = Course.build(config)
            together.check_data(course)
            traces = Profile(workdir, profile if peers.is_first() else 0)
            loops = [_Loop(recipe, workdir, page, traces) for recipe in course.recipes]
        with held(workdir), stop_requested() as stop:
            with display.doing("looking at the run folder and the data"):
                checkpoints, subject = claimed(course, workdir, overrides, source)
            for line in opening(course, workdir, subject.step):
                _log.info("%s", line)
            if peers.is_first():
                page.begin()
            sources, done = course.sources, subject.step
            # Once the last stage has begun, nobody asks for what the ones before it left.
            for loop in loops[-1:] if done > course.last.begin else loops:
                state = loop.run(checkpoints, sources, stop, subject)
                own = loop.program.own(state)
                view = jax.device_get(loop.recipe.experiment.view(own))
                sources = {**sources, loop.recipe.stage: view}
            if traces.missed:
                _log.warning(
                    "nothing was traced: the first call, which compiles, had all rounds;"
                    " a smaller train.steps_per_call makes more calls"
                )
            last = loops[-1]

            def finish(own: State) -> None:
                if done == course.last.end:
                    last.draw_missing(own)
                sound(last.recipe.experiment, workdir)
                known = (config, checkpoints, course.last.begin, last.failures)
                write_newest_and_best(workdir, last.trained, own, *known)

            last.look(state, finish)
            if last.trained.helpers is not None:
                last.trained.helpers.sum_up()
            return state


class _Loop:
    """One stage: the compiled program, the state, and what happens between calls."""

    def __init__(self, recipe: Recipe, workdir: Path, page: Page, profile: Profile):
        config = recipe.config
        self.recipe, self.workdir, self.config = recipe, workdir, config
        self.page, self.profile = page, profile
        self.plan = Plan.of(config, recipe.begin)
        self.feed = recipe.feed()
        with display.doing("checking that all parts fit"):
            traced = check_fit(recipe, self.feed)
        devices = parallel.choose_devices(config["devices"])
        self.work = Work(operations.count(traced), peak.of(devices, config["dtype"]))
        self.program = Program(
            rounds_of(recipe.experiment, self.feed, recipe.begin, config["remat"]),
            devices,
            config["parallel"],
            config["train"]["batch_size"],
        )
        self.ballot = parallel.Ballot()
        self.seed = np.uint32(config["seed"])
        self.failures: evaluate.Failures = {}
        self.log: Log | None = None

    def run(
        self, checkpoints: Checkpoints, sources: Sources, stop: Stop, subject: Subject
    ) -> State:
        """From the newest checkpoint, or the stage's start, to its last round."""
        self.checkpoints, self.sources = checkpoints, sources
        with display.doing("making the state"):
            state = self._newest_state()
        step = int(state.step)
        self.trained = self.recipe.trained(self.program.own(state))
        if peers.count() > 1:
            helpers = self.trained.helpers = Helpers(checkpoints.help_save)
            checkpoints.manner = partial(Together, helpers.begin_save)
        if step == self.plan.steps and not peers.from_first(self._was_cut):
            return state
        self.rounds = self.plan.rounds_per_call(step)
        self.resident = self.program.place(self.feed.resident)
        subject = replace(subject, step=step)
        self.log = Log(subject) if peers.is_first() else Unwritten()
        stage = self.recipe.stage
        bar = Bar(self.plan.steps, step, "" if stage == MAIN else f"{stage}: ")
        every, split = self.plan.periods["log"], split_name(stage, "train")
        self.meter = Meter(self.log, every, self.feed, bar, self.work, split)
        try:
            with display.watching(bar):
                state = self._train(state, step, self.meter, stop)
            if step == self.plan.steps:
                self._look(state, self.plan.due(step))  # a kill came just before it
        except NonFiniteLoss as error:
            with display.doing("computing the state before it again"):
                self._keep_state_before(error.step)
            told = str(error)
            peers.first_does(lambda: failure.record(self.workdir, told))
            again = f"{program()} replay --workdir={shlex.quote(str(self.workdir))}"
            _log.info("`%s` shows where it arose", again)
            raise
        finally:
            self.profile.close()
            self.log = self.log.close()
            del self.resident  # the next stage has its own
            self.checkpoints.wait()
        return state

    def _was_cut(self) -> bool:
        """Whether the run ended between the stage's last checkpoint and the look that follows."""
        end = self.plan.steps
        if self.recipe.stage == MAIN:
            return read_results(self.workdir, end) is None
        split = evaluate.existing_split(self.recipe.data, self.config["eval"]["split"])
        lines = lines_of(self.workdir, end, split_name(self.recipe.stage, split))
        losses = split == "train"  # which have a line of their own
        looked = "eval" not in self.plan.due(end) or lines > losses
        return self.checkpoints.newest() == end and not looked

    def _newest_state(self) -> State:
        """That of `_made_state`, where the program takes it."""
        return self.program.place_state(self.recipe.shapes(), self._made_state)

    def _made_state(self) -> State:
        """The newest of this stage: its last where it is over, its first where none was saved."""
        step = min(self.checkpoints.newest() or 0, self.plan.steps)
        if step > self.plan.begin:
            state = self.checkpoints.read(step, self.recipe.shapes())
        else:
            state = self.recipe.init_state(self.sources)
        return state

    def _train(self, state: State, step: int, meter: Meter, stop: Stop) -> State:
        if step == self.plan.begin:
            self._look(state, {"eval", "sample"} & self._wanted())
        call = display.compiling(self._call)
        while step < self.plan.steps:
            state, metrics = call(state, step)
            step += self.rounds
            meter.add(step, metrics)
            self.checkpoints.look_after()
            self.profile.after_call(step, state, self.plan.steps)
            # A state is only used once its losses are known to be finite.
            if due := self.plan.due(step) - {"log"}:
                with meter.paused():
                    self._look(state, due)
            if self.ballot.any(bool(stop.signal)) and step < self.plan.steps:
                meter.finish(step)
                self._save(state, step)
                by = stop.signal or "a signal to another process"
                raise Stopped(f"stopped by {by} after step {step}; saved")
        meter.finish(step)
        return state

    def _wanted(self) -> set[str]:
        return {name for name, every in self.plan.periods.items() if every}

    def _call(self, state: State, step: int) -> tuple[State, dict[str, jax.Array]]:
        with self.meter.feeding():
            chunk = self.feed.chunk(step, self.rounds, self.program.rows)
        return self.program(state, self.resident, chunk, self.seed)

    def _keep_state_before(self, step: int) -> None:
        """Saves the last state before `step`: training is a pure function, so it is made again."""
        state = self._newest_state()
        done = int(state.step)
        while done + self.rounds < step:
            state, _ = self._call(state, done)
            done += self.rounds
        self._save(state, done)

    def _look(self, state: State, due: set[str]) -> None:
        """Evaluates, draws and saves, as far as due; the other processes help the first."""
        self.look(state, lambda own: self._do(own, due))

    def look(self, state: State, work: Callable[[State], None]) -> None:
        """The first process does the work on its own copy of a state, and the others help."""
        own = self.program.own(state)
        if (helpers := self.trained.helpers) is None:
            work(own)
        else:
            helpers.look(self.trained, own, lambda: work(own))

    def _do(self, state: State, due: set[str]) -> None:
        """What is due; the checkpoint last, since it vouches for the others, and beside the rounds that follow; after
        the last round, which none follows, first."""
        step = int(state.step)
        over = step == self.plan.steps
        if over:
            self._write(state, step)
        if "eval" in due:
            self._evaluate(state)
        if "sample" in due:
            self._draw(state, self.config["sample"]["plots"])
        if "checkpoint" in due and not over:
            self.trained.at(state)  # which the others save as well
            self.checkpoints.save_beside(state, step)
        if due & {"eval", "sample"} and not over:
            self.page.refresh()

    def _save(self, state: State, step: int) -> None:
        self.look(state, lambda own: self._write(own, step))

    def _write(self, state: State, step: int) -> None:
        with display.doing(f"saving the state after {step:,} rounds"):
            self.checkpoints.save(state, step)

    def draw_missing(self, state: State) -> None:
        """Writes those pictures of a state that its folder lacks, such as of plots chosen since."""
        chosen = self.config["sample"]["plots"]
        missing = evaluate.undrawn(chosen, self.workdir / "samples", int(state.step))
        self._draw(state, missing)

    def _draw(self, state: State, chosen: list[Any]) -> None:
        folder = self.workdir / "samples"
        trained = self.trained.at(state)
        pictures = evaluate.save_pictures(trained, chosen, folder, self.failures)
        for plot, path in pictures.items() if self.log else ():
            self.log.picture(trained.step, plot, path)

    def _evaluate(self, state: State) -> None:
        trained, where = self.trained.at(state), (self.log, self.checkpoints)
        evaluated(trained, state, self.recipe, *where, self.failures)
