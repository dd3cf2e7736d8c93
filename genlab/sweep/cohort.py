"""A cohort: the rounds of several trials in one stage as one compiled program.

The program is one `vmap` of the ordinary rounds, or on a CPU, where members are large, a loop over
them; every member is the run that it would be alone.
Members share the data on the device, each in the order of its own seed.
"""

from dataclasses import replace
from typing import Any

import flax.struct
import jax
import numpy as np

from genlab.config.plan import Plan
from genlab.config.stage import INIT
from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.experiment import Array, Experiment
from genlab.game.turn import State
from genlab.run.build import SECTIONS, build_experiment
from genlab.run.recipe import Recipe
from genlab.run.start import Sources
from genlab.sweep.group import Knobs
from genlab.trained.trained import Trained
from genlab.training.fit import check_fit, check_schedules
from genlab.training.rounds import rounds_of
from genlab.training.tracing import untraceable

LARGE = 2**18  # bytes of a member's parameters


class Untraceable(InputError):
    """A part branches in Python on a float in which the trials differ."""


@flax.struct.dataclass
class Crowd:
    """All that influences the training of a population; saved whole.

    Attributes:
      state: the members' states, leaves `[members, ...]`.
      knobs: the floats in which they differ, `[members]` each.
    """

    state: State
    knobs: tuple[Array, ...]


class Cohort:
    """The trials of a group in one stage.

    Args:
      recipe: the first trial's recipe of the stage.
      configs: the trials' configs of the stage, alike in all but seed and floats.

    Raises:
      InputError: as `check_fit`; `Untraceable` for parts that a population cannot hold.
    """

    def __init__(self, recipe: Recipe, configs: list[dict[str, Any]]):
        if jax.process_count() > 1:
            raise InputError(
                "a population trains in one process; several share a sweep by --share=K/N"
            )
        self.recipe = recipe
        self.plan = Plan.of(recipe.config, recipe.begin)
        self.knobs = Knobs.of(configs)
        self.seeds = np.array([config["seed"] for config in configs], np.uint32)
        self._feeds = [replace(recipe, config=config).feed() for config in configs]
        check_fit(recipe, self._feeds[0])
        for config in configs[1:]:
            experiment = build_experiment(_spec(config), recipe.data, config["dtype"])
            check_schedules(replace(recipe, config=config, experiment=experiment))
        if told := untraceable(recipe, self._feeds[0], self.knobs.paths):
            raise Untraceable(
                f"{told}, which no population can vary; take --engine=local, a process for each"
                " trial"
            )
        self._whole, self._split = _shardings(
            len(configs), parallel.choose_devices(recipe.config["devices"])
        )
        self._rounds = jax.jit(
            self._all_rounds,
            in_shardings=(self._split, self._whole, *3 * (self._split,)),
            out_shardings=self._split,
            donate_argnums=0,
        )
        self._view: Trained | None = None

    def build(self, knobs: tuple[Any, ...]) -> Experiment:
        """The experiment of a member with these knobs, traced or not."""
        spec = self.knobs.put(_spec(self.recipe.config), knobs)
        return build_experiment(spec, self.recipe.data, self.recipe.config["dtype"])

    def first(self, sources: Sources) -> Crowd:
        """The members before their first round; sources have leaves `[members, ...]`."""
        axes = {name: None if name == INIT else 0 for name in sources}
        first = jax.vmap(self._member_first, in_axes=(0, 0, axes))
        state = jax.jit(first, out_shardings=self._split)(
            self.seeds, self.knobs.values, dict(sources)
        )
        return Crowd(state, self.knobs.values)

    def shapes(self) -> Crowd:
        """Shapes and types of the crowd; nothing is computed."""
        one = self.recipe.shapes()
        count = len(self.seeds)
        stacked = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), one
        )
        return Crowd(stacked, self.knobs.values)

    def place(self, crowd: Crowd) -> Crowd:
        """The crowd on the devices, which share its members."""
        return jax.device_put(crowd, self._split)

    def resident(self) -> Any:
        """The data that the members share, on every device."""
        return jax.device_put(self._feeds[0].resident, self._whole)

    def call(
        self, crowd: Crowd, resident: Any, step: int, rounds: int
    ) -> tuple[Crowd, dict[str, Array]]:
        """`rounds` rounds of every member from `step` on; metrics `[members, rounds]`."""
        chunks = [feed.chunk(step, rounds) for feed in self._feeds]
        chunk = jax.tree.map(lambda *leaves: np.stack(leaves), *chunks)
        state, metrics = self._rounds(
            crowd.state, resident, chunk, self.seeds, crowd.knobs
        )
        return crowd.replace(state=state), metrics

    def view(self, crowd: Crowd, index: int) -> Trained:
        """The view on a member; what it compiles serves all of them."""
        state, knobs = jax.tree.map(
            lambda leaf: np.asarray(leaf[index]), (crowd.state, crowd.knobs)
        )
        floats = tuple(float(value) for value in knobs)
        experiment, seed = self.build(floats), int(self.seeds[index])
        if self._view is None:
            data, preparation = self.recipe.data, self.recipe.preparation
            self._view = Trained(
                experiment,
                state,
                data,
                preparation,
                seed,
                floats,
                self.build,
                batch_size=self.recipe.config["eval"]["batch_size"],
            )
        return self._view.member(experiment, state, seed, floats)

    def _member_first(self, seed: Array, knobs: Any, sources: Sources) -> State:
        recipe = replace(self.recipe, experiment=self.build(knobs))
        return recipe.first_state(seed, sources)

    def _all_rounds(self, state, resident, chunk, seed, knobs):
        if self._split.num_devices > 1 or not self._is_large():
            rounds = jax.vmap(self._member_rounds, in_axes=(0, None, 0, 0, 0))
            return rounds(state, resident, chunk, seed, knobs)
        return jax.lax.map(
            lambda member: self._member_rounds(member[0], resident, *member[1:]),
            (state, chunk, seed, knobs),
        )

    def _is_large(self) -> bool:
        """Whether this CPU trains members one after another faster than side by side.

        XLA's batched matrix products on CPUs reach a third of the speed of single ones; below about
        this size the cost of starting each operation weighs more.
        """
        leaves = jax.tree.leaves(self.recipe.shapes().params)
        size = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
        return jax.default_backend() == "cpu" and size > LARGE

    def _member_rounds(self, state, resident, chunk, seed, knobs):
        recipe, feed = self.recipe, self._feeds[0]
        remat = recipe.config["remat"]
        rounds = rounds_of(self.build(knobs), feed, recipe.begin, remat)
        return rounds(state, resident, chunk, seed)


def _spec(config: dict[str, Any]) -> dict[str, Any]:
    """What an experiment is built from."""
    return {section: config[section] for section in SECTIONS}


def _shardings(members: int, devices: list[jax.Device]):
    """Replicated, and split along the first axis over as many devices as share it evenly."""
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
