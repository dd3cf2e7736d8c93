"""A population: trials that differ in float knobs and seeds, trained by one compiled program.

The program is one `vmap` of the ordinary rounds; every member is the run that it would be alone.
Members share the data on the device, each in the order of its own seed.
"""

import hashlib
import itertools
import json
import logging
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from genlab import evaluate, rng
from genlab.build import SECTIONS, build_experiment
from genlab.checkpoint import Checkpoints
from genlab.data.feed import Feed
from genlab.errors import InputError, NonFiniteLoss, Stopped
from genlab.experiment import State
from genlab.meter import refuse_non_finite
from genlab.plan import Plan
from genlab.recipe import Recipe
from genlab.rounds import rounds_of
from genlab.run import claim, locked
from genlab.signals import Stop
from genlab.sweep.trial import Trial
from genlab.train import write_results
from genlab.writer import Writer

_log = logging.getLogger("genlab")

KnobPath = tuple[str, ...]


@dataclass(frozen=True)
class Knobs:
    """The floats in which the members of a population differ.

    Attributes:
      paths: where each lies in the spec.
      values: [members] float32 for each path.
    """

    paths: tuple[KnobPath, ...]
    values: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, configs: list[dict[str, Any]]) -> "Knobs":
        """The floats of the configs' specs that are not the same in all of them."""
        columns: dict[KnobPath, list[float]] = {}
        for config in configs:
            for path, value in _floats({name: config[name] for name in SECTIONS}):
                columns.setdefault(path, []).append(value)
        differing = {p: values for p, values in columns.items() if len(set(values)) > 1}
        return cls(
            tuple(differing),
            tuple(np.array(values, np.float32) for values in differing.values()),
        )

    def put(self, spec: dict[str, Any], values: tuple[Any, ...]) -> dict[str, Any]:
        """The spec with `values`, traced or not, in the places of these knobs."""
        for path, value in zip(self.paths, values, strict=True):
            spec = _replaced(spec, path, value)
        return spec


def _floats(tree: Any, path: KnobPath = ()):
    if isinstance(tree, float):
        yield path, tree
    elif isinstance(tree, dict):
        for key in sorted(tree):
            yield from _floats(tree[key], (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _floats(value, (*path, str(index)))


def _replaced(tree: Any, path: KnobPath, value: Any) -> Any:
    if not path:
        return value
    if isinstance(tree, list):
        index = int(path[0])
        return [
            *tree[:index],
            _replaced(tree[index], path[1:], value),
            *tree[index + 1 :],
        ]
    return {**tree, path[0]: _replaced(tree[path[0]], path[1:], value)}


def group(trials: list[Trial]) -> list[list[Trial]]:
    """Trials that one program can train: alike in all but the seed and floats of the spec."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        config = {key: value for key, value in trial.config.items() if key != "seed"}
        for path, _ in _floats({name: config[name] for name in SECTIONS}):
            config = _replaced(config, path, "a float")
        groups.setdefault(json.dumps(config, sort_keys=True), []).append(trial)
    return list(groups.values())


def pack(trials: list[Trial], memory: int | None = None) -> list[list[Trial]]:
    """A group cut into parts that fit the memory, as even as they go.

    Args:
      trials: one group.
      memory: bytes; None asks the device, and half the machine's memory on a CPU.
    """
    shapes = Recipe.build(trials[0].config).shapes()
    state = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    fitting = max(
        1, (memory or _memory()) // (4 * state)
    )  # state, gradients, activations
    parts = math.ceil(len(trials) / fitting)
    bounds = np.linspace(0, len(trials), parts + 1).round().astype(int)
    return [trials[low:high] for low, high in itertools.pairwise(bounds)]


def _memory() -> int:
    statistics = jax.devices()[0].memory_stats() or {}
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return int(statistics.get("bytes_limit", machine))


class Population:
    """Trains the trials of one group in one program and writes each into its run folder.

    Args:
      trials: alike in all but seed and floats, see `group`.
      sweep: the folder of the sweep.
    """

    def __init__(self, trials: list[Trial], sweep: Path):
        self.trials, self.sweep = trials, sweep
        self.recipe = Recipe.build(trials[0].config)
        self.plan = Plan.of(trials[0].config)
        self.knobs = Knobs.of([trial.config for trial in trials])
        self.seeds = np.array([trial.config["seed"] for trial in trials], np.uint32)
        self.feeds = [self._feed(trial) for trial in trials]
        self.recipe.check_fit(self.feeds[0])
        names = "".join(trial.name for trial in trials)
        digest = hashlib.sha256(names.encode()).hexdigest()[:12]
        keep = trials[0].config["checkpoint"]["keep"]
        self.checkpoints = Checkpoints(sweep / f"population-{digest}", keep)
        self._whole, self._split = _shardings(len(trials))
        self.resident = jax.device_put(self.feeds[0].resident, self._whole)
        split, whole = self._split, self._whole
        self._init = jax.jit(jax.vmap(self._member_init), out_shardings=split)
        self._rounds = jax.jit(
            jax.vmap(self._member_rounds, in_axes=(0, None, 0, 0, 0)),
            in_shardings=(split, whole, split, split, split),
            out_shardings=split,
            donate_argnums=0,
        )

    def _feed(self, trial: Trial) -> Feed:
        return replace(self.recipe, config=trial.config).feed()

    def _member(self, values: tuple[Any, ...]):
        spec = {section: self.recipe.config[section] for section in SECTIONS}
        spec = self.knobs.put(spec, values)
        return build_experiment(spec, self.recipe.data, self.recipe.config["dtype"])

    def _member_init(self, seed, values) -> State:
        batch = self.recipe.example_batch()
        return self._member(values).init_state(rng.stream(seed, "init"), batch)

    def _member_rounds(self, state, resident, chunk, seed, values):
        rounds = rounds_of(self._member(values), self.feeds[0])
        return rounds(state, resident, chunk, seed)

    def init(self) -> State:
        """The members' first states, leaves `[members, ...]`."""
        return self._init(self.seeds, self.knobs.values)

    def call(self, state: State, step: int, rounds: int) -> tuple[State, dict]:
        """`rounds` rounds of every member from `step` on; metrics `[members, rounds]`."""
        chunks = [feed.chunk(step, rounds) for feed in self.feeds]
        chunk = jax.tree.map(lambda *leaves: np.stack(leaves), *chunks)
        return self._rounds(state, self.resident, chunk, self.seeds, self.knobs.values)

    def train(self, stop: Stop) -> None:
        """From the newest checkpoint to results of every member that has none yet.

        Raises:
          Stopped: a signal asked to stop; the population is saved.
        """
        self.checkpoints.clean()
        shapes = jax.eval_shape(self._init, self.seeds, self.knobs.values)
        restored = self.checkpoints.restore(shapes)
        state = self.init() if restored is None else restored
        state = jax.device_put(state, self._split)
        step = int(np.max(state.step))
        rounds = self.plan.rounds_per_call(step)
        members = [Member(trial, self, step) for trial in self.trials]
        bar = tqdm(
            total=self.plan.steps, initial=step, unit="round", dynamic_ncols=True
        )
        with bar:
            while step < self.plan.steps:
                state, metrics = self.call(state, step, rounds)
                step += rounds
                rows = jax.device_get(metrics)
                for index, member in enumerate(members):
                    member.log(step, {name: row[index] for name, row in rows.items()})
                bar.update(rounds)
                if "checkpoint" in self.plan.due(step) or stop.signal:
                    self.checkpoints.save(state, step)
                if stop.signal:
                    raise Stopped(f"stopped by {stop.signal} after step {step}; saved")
        for index, member in enumerate(members):
            member.finish(jax.tree.map(lambda leaf, i=index: leaf[i], state))


class Member:
    """One trial of a population: its run folder, its log, its failure."""

    def __init__(self, trial: Trial, population: Population, step: int):
        self.trial, self.population = trial, population
        self.workdir = trial.folder(population.sweep)
        self.failure = ""
        self._every = population.plan.periods["log"]
        self._rows: list[dict[str, np.ndarray]] = []
        with locked(self.workdir):
            claim(self.workdir, self._recipe(), trial.overrides)
        self.writer = Writer(self.workdir, step)

    def _recipe(self) -> Recipe:
        """The trial's own parts, on the data that the population shares."""
        recipe, config = self.population.recipe, self.trial.config
        spec = {section: config[section] for section in SECTIONS}
        experiment = build_experiment(spec, recipe.data, config["dtype"])
        return replace(recipe, config=config, experiment=experiment)

    def log(self, step: int, rows: dict[str, np.ndarray]) -> None:
        """Takes the metrics of a call, `[rounds]` each; a loss that is not finite is recorded."""
        if self.failure:
            return
        try:
            refuse_non_finite(rows, step - len(next(iter(rows.values()))))
        except NonFiniteLoss as error:
            self.failure = str(error).partition(";")[0]
            _log.warning(
                "trial %s %s: %s", self.trial.name, self.trial.overrides, error
            )
            return
        self._rows.append(rows)
        if step % self._every == 0 or step == self.population.plan.steps:
            joined = {
                name: float(np.mean(np.concatenate([one[name] for one in self._rows])))
                for name in rows
            }
            self.writer.write(step, "train", joined)
            self._rows = []

    def finish(self, state: State) -> None:
        """Saves the member as a run of its own, with results, pictures and report."""
        self.writer.close()
        failed = self.workdir / "failed.txt"
        if self.failure or not _all_finite(state):
            failed.write_text((self.failure or "the state is not finite") + "\n")
            return
        failed.unlink(missing_ok=True)
        if self.trial.results(self.population.sweep) is not None:
            return
        keep = self.trial.config["checkpoint"]["keep"]
        with locked(self.workdir):
            checkpoints = Checkpoints(self.workdir / "checkpoints", keep)
            checkpoints.save(state, int(state.step))
            trained = self._recipe().trained(jax.device_put(jax.device_get(state)))
            chosen = self.trial.config["sample"]["plots"]
            evaluate.save_pictures(trained, chosen, self.workdir / "samples")
            write_results(self.workdir, trained, self.trial.config)


def _all_finite(state: State) -> bool:
    leaves = jax.tree.leaves(state.params)
    return all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)


def _shardings(members: int):
    """Replicated, and split along the first axis over as many devices as share it evenly."""
    devices = jax.devices()
    count = max(n for n in range(1, len(devices) + 1) if members % n == 0)
    mesh = jax.make_mesh(
        (count,),
        ("population",),
        axis_types=(jax.sharding.AxisType.Auto,),
        devices=devices[:count],
    )
    spec = jax.sharding.PartitionSpec
    whole = jax.sharding.NamedSharding(mesh, spec())
    return whole, jax.sharding.NamedSharding(mesh, spec("population"))


def check(trials: list[Trial]) -> None:
    """Raises InputError for trials that a population cannot hold."""
    for trial in trials:
        if trial.config["parallel"] != "jit":
            raise InputError(
                f"parallel={trial.config['parallel']!r} is not for populations, which split their"
                " members over the devices; take parallel='jit'"
            )


def engine(trials: list[Trial], sweep: Path, stop: Stop) -> None:
    """Trains every trial that has no results yet, a population for each group."""
    check(trials)
    parts: list[list[Trial]] = [part for one in group(trials) for part in pack(one)]
    unfinished: Callable = lambda part: any(t.results(sweep) is None for t in part)
    for number, part in enumerate(parts, 1):
        if unfinished(part):
            _log.info("population %d of %d: %d trials", number, len(parts), len(part))
            Population(part, sweep).train(stop)
