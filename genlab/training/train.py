"""The loop, the only one: rounds in compiled calls, and between calls what is due."""

import logging
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.config.plan import Plan
from genlab.config.stage import MAIN
from genlab.errors import InputError, NonFiniteLoss, Stopped
from genlab.evaluation import evaluate
from genlab.evaluation.results import write_results
from genlab.game import parallel
from genlab.game.turn import State
from genlab.metrics.measurement import metric_of, values_of
from genlab.process import xla
from genlab.process.signals import Stop, stop_requested
from genlab.run.course import Course
from genlab.run.folder import claim, identity, locked, read_results, refuse_lost
from genlab.run.recipe import Recipe
from genlab.run.start import Sources
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.writer import Writer, cut, lines_of
from genlab.trained.trained import Trained
from genlab.training.fit import check_fit
from genlab.training.meter import Meter
from genlab.training.rounds import rounds_of
from genlab.trials import failure

_log = logging.getLogger("genlab")


def train(
    config: dict[str, Any],
    workdir: Path,
    overrides: dict[str, Any],
    source: Path | None = None,
) -> State:
    """Trains the recipe of a plain config in its run folder, from wherever the folder stands.

    Args:
      config: the plain config.
      workdir: the run folder.
      overrides: what the command line set.
      source: the config file; None where there is none.

    Returns:
      The final state.

    Raises:
      InputError: a config that cannot be built, or a folder that another run holds or made.
      NonFiniteLoss: training diverged; the newest checkpoint is from before.
      Stopped: a signal asked to stop; the state is saved.
      PartFailed: a metric or plot failed; results, report and the state are written.
    """
    course = Course.build(config)
    loops = [_Loop(recipe, workdir) for recipe in course.recipes]
    with locked(workdir), stop_requested() as stop:
        run = identity(workdir)
        checkpoints = Checkpoints(
            workdir / "checkpoints", config["checkpoint"]["keep"], course.ends, run
        )
        checkpoints.clean()
        newest = checkpoints.newest()
        if newest is None:
            refuse_lost(workdir)
            cut(workdir, 0)  # of an attempt that saved nothing, under whatever periods
        done = newest or 0
        if done > course.last.end:
            raise InputError(
                f"run folder {str(workdir)!r} has done {done} rounds, more than the"
                f" {course.last.end} of its config"
            )
        finished = done == course.last.end
        about = {"run": run, "source": source, "finished": finished}
        claim(workdir, course.last, overrides, **about)
        (workdir / failure.FILE).unlink(missing_ok=True)  # of an attempt before
        if xla.jaxlib_version() in xla.WRONG_ON_CPU:
            _log.info(xla.describe())
        if done:
            _log.info("resumed from step %d", done)
        sources = course.sources
        # Once the last stage has begun, nobody asks for what the ones before it left.
        for loop in loops[-1:] if done > course.last.begin else loops:
            state = loop.run(checkpoints, sources, stop)
            view = jax.device_get(loop.recipe.experiment.view(state))
            sources = {**sources, loop.recipe.stage: view}
        last = loops[-1]
        if finished:
            last.draw_missing(state)
        trained = last.trained.at(state)
        write_results(workdir, trained, config, failures=last.failures)
        return state


class _Loop:
    """One stage: the compiled program, the state, and what happens between calls."""

    def __init__(self, recipe: Recipe, workdir: Path):
        config = recipe.config
        self.recipe, self.workdir, self.config = recipe, workdir, config
        self.plan = Plan.of(config, recipe.begin)
        self.feed = recipe.feed()
        check_fit(recipe, self.feed)
        self.program = parallel.Program(
            rounds_of(recipe.experiment, self.feed, recipe.begin),
            parallel.choose_devices(config["devices"]),
            config["parallel"],
            config["train"]["batch_size"],
        )
        self.seed = np.uint32(config["seed"])
        self.failures: evaluate.Failures = {}

    def run(self, checkpoints: Checkpoints, sources: Sources, stop: Stop) -> State:
        """From the newest checkpoint, or the stage's start, to its last round."""
        self.checkpoints, self.sources = checkpoints, sources
        state = self._newest_state()
        step = int(state.step)
        self.trained = self.recipe.trained(state)
        if step == self.plan.steps and not self._was_cut():
            return state
        self.rounds = self.plan.rounds_per_call(step)
        self.resident = self.program.place(self.feed.resident)
        self.writer = Writer(self.workdir, step)
        meter = Meter(
            self.writer,
            self.plan.periods["log"],
            self.feed,
            step,
            self.plan.steps,
            split_name(self.recipe.stage, "train"),
        )
        try:
            with meter:
                state = self._train(state, step, meter, stop)
            if step == self.plan.steps:
                self._look(state, self.plan.due(step))  # a kill came just before it
        except NonFiniteLoss as error:
            self._keep_state_before(error.step)
            failure.record(self.workdir, str(error))
            raise
        finally:
            self.writer.close()
            del self.resident  # the next stage has its own
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
        """The newest of this stage: its last where it is over, its first where none was saved."""
        step = min(self.checkpoints.newest() or 0, self.plan.steps)
        if step > self.plan.begin:
            state = self.checkpoints.read(step, self.recipe.shapes())
        else:
            seed = np.uint32(self.config["seed"])
            state = jax.jit(self.recipe.first_state)(seed, self.sources)
        return self.program.place(state)

    def _train(self, state: State, step: int, meter: Meter, stop: Stop) -> State:
        if step == self.plan.begin:
            self._look(state, {"eval", "sample"} & self._wanted())
        while step < self.plan.steps:
            state, metrics = self._call(state, step)
            step += self.rounds
            meter.add(step, metrics)
            # A state is only used once its losses are known to be finite.
            if due := self.plan.due(step) - {"log"}:
                with meter.paused():
                    self._look(state, due)
            if stop.signal and step < self.plan.steps:
                meter.finish(step)
                self.checkpoints.save(state, step)
                raise Stopped(f"stopped by {stop.signal} after step {step}; saved")
        meter.finish(step)
        return state

    def _wanted(self) -> set[str]:
        return {name for name, every in self.plan.periods.items() if every}

    def _call(self, state: State, step: int) -> tuple[State, dict[str, jax.Array]]:
        chunk = self.feed.chunk(step, self.rounds)
        return self.program(state, self.resident, chunk, self.seed)

    def _keep_state_before(self, step: int) -> None:
        """Saves the last state before `step`: training is a pure function, so it is made again."""
        state = self._newest_state()
        done = int(state.step)
        while done + self.rounds < step:
            state, _ = self._call(state, done)
            done += self.rounds
        self.checkpoints.save(state, done)

    def _look(self, state: State, due: set[str]) -> None:
        """Evaluates, draws and saves, as far as due; the checkpoint last, since it vouches for the
        others, and first after the last round, where nothing comes after it."""
        step = int(state.step)
        if step == self.plan.steps:
            self.checkpoints.save(state, step)
        if "eval" in due:
            self._evaluate(state)
        if "sample" in due:
            self._draw(state, self.config["sample"]["plots"])
        if "checkpoint" in due:
            self.checkpoints.save(state, step)

    def draw_missing(self, state: State) -> None:
        """Writes those pictures of a state that its folder lacks, such as of plots chosen since."""
        chosen = self.config["sample"]["plots"]
        missing = evaluate.undrawn(chosen, self.workdir / "samples", int(state.step))
        self._draw(state, missing)

    def _draw(self, state: State, chosen: list[Any]) -> None:
        folder = self.workdir / "samples"
        evaluate.save_pictures(self.trained.at(state), chosen, folder, self.failures)

    def _evaluate(self, state: State) -> None:
        trained, where = self.trained.at(state), (self.writer, self.checkpoints)
        evaluated(trained, state, self.recipe, *where, self.failures)


def evaluated(
    trained: Trained,
    state: State,
    recipe: Recipe,
    writer: Writer,
    checkpoints: Checkpoints,
    failures: evaluate.Failures,
) -> dict[str, float]:
    """Measures on the split that is watched during training, or what stands in for it where it is
    empty; keeps the best state.

    Args:
      trained: the view on the state.
      state: after any number of rounds.
      recipe: the stage that it belongs to.
      writer: where the values go.
      checkpoints: of the run; the best is kept where the config says by what.
      failures: takes up what cannot be measured.

    Returns:
      The values, by flat name.
    """
    chosen, step = recipe.config["eval"], int(state.step)
    split = evaluate.existing_split(recipe.data, chosen["split"])
    results = evaluate.measure(
        trained, split, chosen["metrics"], chosen["batch_size"], failures
    )
    values = values_of(results)
    writer.write(step, split_name(recipe.stage, split), values)
    best = chosen["best"]
    name = best.removeprefix("-")
    if best and (name in values or metric_of(name) not in failures):
        if name not in values:
            raise InputError(
                f"eval.best={best!r} is not measured; measured are {', '.join(values)}"
            )
        score = -values[name] if best.startswith("-") else values[name]
        if step > recipe.begin:
            scored = f"{best} on {split}"
            checkpoints.save_best(state, step, scored, score)
    return values


def split_name(stage: str, split: str) -> str:
    """How the log calls a split: stages before the last say which they are."""
    return split if stage == MAIN else f"{stage}/{split}"
