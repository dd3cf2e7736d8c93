"""A population: trials that differ in float knobs and seeds, trained by one compiled program.

The program is one `vmap` of the ordinary rounds; every member is the run that it would be alone.
Members share the data on the device, each in the order of its own seed.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from genlab import rng
from genlab.build import SECTIONS, build_experiment
from genlab.checkpoint import Checkpoints
from genlab.data.feed import Feed
from genlab.errors import InputError, Stopped
from genlab.experiment import State
from genlab.plan import Plan
from genlab.recipe import Recipe
from genlab.rounds import rounds_of
from genlab.signals import Stop
from genlab.sweep.group import Knobs, group, pack
from genlab.sweep.member import Member
from genlab.sweep.trial import Trial

_log = logging.getLogger("genlab")


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
        members = [
            Member(trial, self.recipe, self.sweep, step) for trial in self.trials
        ]
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
