"""The loop, the only one: rounds in compiled calls, and between calls what is due."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.errors import FlaxError

from genlab import evaluate, parallel
from genlab.checkpoint import Checkpoints
from genlab.data.feed import Feed
from genlab.errors import InputError, NonFiniteLoss, Stopped
from genlab.experiment import State
from genlab.meter import Meter
from genlab.rounds import rounds_of
from genlab.run import Recipe, claim, locked
from genlab.signals import Stop, stop_requested
from genlab.trained import Trained
from genlab.writer import Writer, write_atomic

_log = logging.getLogger("genlab")


def train(config: dict[str, Any], workdir: Path, overrides: dict[str, Any]) -> State:
    """Trains the recipe of a plain config in its run folder, from wherever the folder stands.

    Returns:
      The final state.

    Raises:
      InputError: a config that cannot be built, or a folder that another run holds or made.
      NonFiniteLoss: training diverged; the newest checkpoint is from before.
      Stopped: a signal asked to stop; the state is saved.
    """
    recipe = Recipe.build(config)
    loop = _Loop(recipe, workdir)
    with locked(workdir), stop_requested() as stop:
        claim(workdir, recipe, overrides)
        return loop.run(stop)


class _Loop:
    """One run: the compiled program, the state, and what happens between calls."""

    def __init__(self, recipe: Recipe, workdir: Path):
        config = recipe.config
        self.recipe, self.workdir, self.config = recipe, workdir, config
        self.steps = config["train"]["steps"]
        self.periods = {
            "log": config["log"]["every"],
            "eval": config["eval"]["every"],
            "sample": config["sample"]["every"],
            "checkpoint": config["checkpoint"]["every"],
        }
        self.rounds_per_call = rounds_per_call(
            config["train"]["steps_per_call"], self.steps, self.periods
        )
        self.feed = Feed(
            recipe.data,
            recipe.preparation,
            seed=config["seed"],
            batch_size=config["train"]["batch_size"],
            draws=recipe.experiment.draws(),
            backend=config["data"]["backend"],
        )
        self.checkpoints = Checkpoints(
            workdir / "checkpoints", config["checkpoint"]["keep"]
        )
        rounds = rounds_of(recipe.experiment, self.feed)
        _check_fit(recipe, self.feed, rounds)
        self.program = parallel.compile_rounds(
            rounds,
            parallel.choose_devices(config["devices"]),
            config["parallel"],
            config["train"]["batch_size"],
        )
        self.resident = jax.device_put(self.feed.resident)
        self.seed = np.uint32(config["seed"])

    def run(self, stop: Stop) -> State:
        """From the newest checkpoint, or the start, to the last round and its evaluation."""
        state = self._newest_state()
        step = int(state.step)
        if step > self.steps:
            raise InputError(
                f"run folder {str(self.workdir)!r} has done {step} rounds, more than"
                f" train.steps={self.steps}"
            )
        if step:
            _log.info("resumed from step %d", step)
        self.trained = self.recipe.trained(state)
        self.writer = Writer(self.workdir, step)
        meter = Meter(self.writer, self.periods["log"], self.feed, step, self.steps)
        try:
            with meter:
                state = self._train(state, step, meter, stop)
            self._finish(state)
        except NonFiniteLoss as error:
            self._keep_state_before(error.step)
            raise
        finally:
            self.writer.close()
        return state

    def _newest_state(self) -> State:
        restored = self.checkpoints.restore(self.recipe.shapes())
        return self.recipe.init_state() if restored is None else restored

    def _train(self, state: State, step: int, meter: Meter, stop: Stop) -> State:
        if step == 0:
            self._sample(state)
        while step < self.steps:
            state, metrics = self._call(state, step)
            step += self.rounds_per_call
            meter.add(step, metrics)
            if stop.signal:
                meter.flush()
                self.checkpoints.save(state, step)
                raise Stopped(f"stopped by {stop.signal} after step {step}; saved")
            if step < self.steps:
                self._between(state, step, meter)
        meter.flush()
        return state

    def _call(self, state: State, step: int) -> tuple[State, dict[str, jax.Array]]:
        chunk = self.feed.chunk(step, self.rounds_per_call)
        return self.program(state, self.resident, chunk, self.seed)

    def _keep_state_before(self, step: int) -> None:
        """Saves the last state before `step`: training is a pure function, so it is made again."""
        state = self._newest_state()
        done = int(state.step)
        while done + self.rounds_per_call < step:
            state, _ = self._call(state, done)
            done += self.rounds_per_call
        self.checkpoints.save(state, done)

    def _between(self, state: State, step: int, meter: Meter) -> None:
        """What is due after this call; a state is only used once its losses are known finite."""
        due = {
            name for name, every in self.periods.items() if every and step % every == 0
        }
        if due - {"log"}:
            with meter.paused():
                if "eval" in due:
                    self._evaluate(state)
                if "sample" in due:
                    self._sample(state)
                if "checkpoint" in due:
                    self.checkpoints.save(state, step)

    def _evaluate(self, state: State) -> None:
        """Metrics on the split that is watched during training; the best state is kept."""
        chosen = self.config["eval"]
        results = evaluate.measure(
            self.trained.at(state),
            chosen["split"],
            chosen["metrics"],
            chosen["batch_size"],
        )
        values = evaluate.values_of(results)
        step = int(state.step)
        self.writer.write(step, chosen["split"], values)
        if best := chosen["best"]:
            name = best.removeprefix("-")
            if name not in values:
                raise InputError(
                    f"eval.best={best!r} is not measured; measured are {', '.join(values)}"
                )
            score = -values[name] if best.startswith("-") else values[name]
            self.checkpoints.save_best(state, step, score)

    def _sample(self, state: State) -> None:
        folder = self.workdir / "samples"
        chosen = self.config["sample"]["plots"]
        evaluate.save_pictures(self.trained.at(state), chosen, folder)

    def _finish(self, state: State) -> None:
        """The last checkpoint first, then the last pictures, results.json and the report."""
        self.checkpoints.save(state, int(state.step))
        if self.config["eval"]["every"]:
            self._evaluate(state)
        self._sample(state)
        write_results(self.workdir, self.trained.at(state), self.config)


def _check_fit(recipe: Recipe, feed: Feed, rounds: Callable) -> None:
    """Traces one round on shapes alone: networks and objective must fit the data and each other.

    Raises:
      InputError: they do not; the first line of the reason is in the message.
    """
    inputs = (recipe.shapes(), feed.resident, feed.chunk(0, 1), np.uint32(0))
    shapes = jax.eval_shape(lambda *leaves: leaves, *inputs)
    try:
        jax.eval_shape(rounds, *shapes)
    except (TypeError, ValueError, AssertionError, FlaxError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).strip().partition("\n")[0]
        chosen = recipe.config
        parts = [chosen["objective"], *chosen["model"].values()]
        raise InputError(
            f"{', '.join(repr(part['name']) for part in parts)} and data {recipe.data.name!r}"
            f" do not fit together ({reason}); --verbose shows where"
        ) from error


def write_results(
    workdir: Path, trained: Trained, config: dict[str, Any], chosen: Any = None
) -> dict[str, Any]:
    """Measures on the final split and writes `results.json` and the report.

    Args:
      workdir: the run folder.
      trained: the model.
      config: the run's plain config.
      chosen: metrics; None takes those of the config.

    Returns:
      What `results.json` holds.
    """
    from genlab.report import write_report

    section = config["eval"]
    results = evaluate.measure(
        trained,
        section["final_split"],
        section["metrics"] if chosen is None else chosen,
        section["batch_size"],
    )
    record = {
        "step": trained.step,
        "metrics": {
            name: {"values": result.values, "protocol": result.protocol}
            for name, result in results.items()
        },
    }
    write_atomic(workdir / "results.json", json.dumps(record, indent=1))
    write_report(workdir)
    return record


def rounds_per_call(asked: int, steps: int, periods: dict[str, int]) -> int:
    """The most rounds that one call may take: every period and the end fall between calls.

    Raises:
      InputError: a period or a count of rounds that is negative, or no rounds at all.
    """
    for name, every in {**periods, "train.steps_per_call": asked}.items():
        if every < 0:
            key = name if "." in name else f"{name}.every"
            raise InputError(f"{key}={every} is negative; 0 turns it off")
    if steps < 1:
        raise InputError(f"train.steps={steps} is not a count of rounds of 1 or more")
    if periods["log"] < 1:
        raise InputError(
            "log.every=0: metrics are always logged; give a period of 1 or more"
        )
    return math.gcd(asked, steps, *(every for every in periods.values() if every))
