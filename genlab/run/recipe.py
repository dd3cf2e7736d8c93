"""The parts that a plain config describes, built and fitted to each other."""

import functools
import logging
from dataclasses import dataclass
from typing import Any, Self

import jax
import numpy as np

from genlab.blame import blaming, data_must_serve, parts_must_fit
from genlab.config import load as configs
from genlab.config.stage import MAIN
from genlab.data.dataset import Dataset
from genlab.data.facts import AbsentSplit, blank_batch, facts_of
from genlab.data.feed import Feed
from genlab.data.fingerprint import fingerprint
from genlab.data.prepare import Preparation
from genlab.data.selection import select
from genlab.data.statistics import example_mean, example_range
from genlab.errors import InputError, suggest
from genlab.game import remat, rng
from genlab.game.experiment import Experiment
from genlab.game.parallel import all_devices, own_devices
from genlab.game.turn import State
from genlab.process import display
from genlab.process.programs import give_memory_back
from genlab.registry import datasets, starts
from genlab.run.build import SECTIONS, build_experiment, starts_from_mean
from genlab.run.start import Sources
from genlab.trained.trained import Trained

_log = logging.getLogger("genlab")

# Of the compiler's levels up to 3, which takes longer and gives the same bits here.
RUNS_ONCE = {"xla_backend_optimization_level": 1}


@dataclass(frozen=True)
class Recipe:
    """Data, preparation and experiment of a plain config."""

    config: dict[str, Any]
    data: Dataset
    preparation: Preparation
    experiment: Experiment
    source: Dataset  # `data` before some of its training examples were chosen
    stage: str = MAIN
    begin: int = 0  # rounds of the run before its first

    @classmethod
    def build(
        cls,
        config: dict[str, Any],
        stage: str = MAIN,
        begin: int = 0,
        source: Dataset | None = None,
    ) -> Self:
        """Checks every name, knob and number of a plain config, then builds its parts.

        Args:
          config: the plain config; of one with stages, the last is built.
          stage: name of the stage.
          begin: rounds of the run before its first.
          source: the data set that the config chooses, where it is there already, or one that
            stands for it.

        Raises:
          InputError: what does not exist, does not fit, or is refused by the part itself.
        """
        configs.check_parts(config)
        remat.check(config["remat"])
        give_memory_back()
        all_devices()  # a backend that is missing is no matter of the parts
        with data_must_serve(config):
            source = source or load_data(config)
            data = select(source, **_selection(config, stage))
            preparation = Preparation(
                **{
                    knob: _as_tuple(config["data"][knob])
                    for knob in configs.PREPARATION
                }
            )
            data = preparation.outcome(data)
        with parts_must_fit(config):
            spec = {section: config[section] for section in SECTIONS}
            experiment = build_experiment(spec, data, config["dtype"])
            if hasattr(experiment, "check_levels"):
                experiment.check_levels(preparation.levels(data))
            if hasattr(experiment, "check_data"):
                experiment.check_data(*example_range(data, preparation))
            recipe = cls(config, data, preparation, experiment, source, stage, begin)
            recipe.shapes()
            experiment.draws()
        _check_evaluation(config["eval"], data)
        return recipe

    def data_record(self) -> dict[str, Any]:
        """What the run's folder keeps of its data: a fingerprint, and the facts that stand for them
        where they are gone.

        Raises:
          InputError: a file of the data that cannot be read.
        """
        models, experiment = self.config["model"], self.experiment
        asks = hasattr(experiment, "check_data")
        span = example_range(self.data, self.preparation) if asks else None
        mean = example_mean(self.data) if starts_from_mean(models) else None
        return {
            "fingerprint": fingerprint(self.source),
            "facts": facts_of(self.source, span, mean),
        }

    @property
    def has_examples(self) -> bool:
        """Whether the examples of the data are there, beside what they are."""
        return not isinstance(self.source.splits["train"], AbsentSplit)

    @property
    def end(self) -> int:
        """Rounds of the run after its last."""
        return self.begin + self.config["train"]["steps"]

    def init_state(self, sources: Sources | None = None) -> State:
        """`first_state` of the config's seed, by a program that is compiled quickly, since it runs once."""
        first_state = jax.jit(self.first_state, compiler_options=RUNS_ONCE)
        return first_state(np.uint32(self.config["seed"]), sources)

    def first_state(
        self, seed: int | jax.Array, sources: Sources | None = None
    ) -> State:
        """The state before the first round, a pure function of the seed; with sources, what it takes over
        from them."""
        key = rng.stream(seed, "init", self.begin)
        start = None
        if sources is not None:
            start = functools.partial(
                starts.choose(self.config["start"]), sources=sources
            )
        name = self.config["start"]["name"]
        with blaming(f"start {name!r} fails, or the parameters it is given do not fit"):
            state = self.experiment.init_state(key, self.example_batch(), start)
        return state.replace(step=state.step + self.begin)

    def shapes(self) -> State:
        """Shapes and types of the state; nothing is computed."""
        return self._shapes

    @functools.cached_property
    def _shapes(self) -> State:
        return jax.eval_shape(
            lambda key: self.experiment.init_state(key, self.example_batch()),
            jax.random.key(0),
        )

    def example_batch(self) -> dict[str, jax.Array]:
        """A batch of two blank examples with all that comes with one, for shapes."""
        with data_must_serve(self.config):
            return blank_batch(self.data)

    def feed(self) -> Feed:
        """Batches of the train split, as many examples a draw as the config says."""
        draws = self.experiment.draws()
        with data_must_serve(self.config):
            return Feed(
                self.data,
                self.preparation,
                seed=self.config["seed"],
                batch_size=self.config["train"]["batch_size"],
                draws=draws,
                backend=self.config["data"]["backend"],
            )

    def trained(self, state: State) -> Trained:
        """The view on a state that metrics, plots and commands work on."""
        return Trained(
            self.experiment,
            state,
            self.data,
            self.preparation,
            self.config["seed"],
            batch_size=self.config["eval"]["batch_size"],
            devices=own_devices(self.config["devices"]),
        )


def _check_evaluation(section: dict[str, Any], data: Dataset) -> None:
    for key in ("split", "final_split"):
        if section[key] not in data.splits:
            hint = suggest(section[key], data.splits)
            raise InputError(f"eval.{key}={section[key]!r} is no split{hint}")
    if section["best"] and not section["every"]:
        raise InputError(
            f"eval.best={section['best']!r} is never measured during training;"
            " give eval.every a period, or choose nothing with --config.eval.best="
        )


def load_data(config: dict[str, Any]) -> Dataset:
    """The data set that a plain config chooses, whole."""
    name = config["data"]["name"]
    with display.doing(f"reading data {name}"):
        data = datasets.choose(chosen_data(config))()
    if not isinstance(data, Dataset):
        told = f"data {name!r} returned a {type(data).__name__}, not a genlab.Dataset"
        raise InputError(told)
    if data.left_out:
        _log.warning("data set %s leaves out %s", data.name, data.told_left_out())
    return data


def chosen_data(config: dict[str, Any]) -> dict[str, Any]:
    """The data set that a config chooses: its name and knobs."""
    others = (*configs.PREPARATION, *configs.SELECTION, *configs.FEEDING)
    return {knob: v for knob, v in config["data"].items() if knob not in others}


def _selection(config: dict[str, Any], stage: str) -> dict[str, Any]:
    """How a config chooses training examples."""
    data = config["data"]
    chosen = {knob: data[knob] for knob in configs.SELECTION}
    if chosen["subset_seed"] == configs.RUN:
        chosen["subset_seed"] = config["seed"]
    if not isinstance(seed := chosen["subset_seed"], int | None) or (seed or 0) < 0:
        raise InputError(
            f"data.subset_seed={seed!r} is no seed; None, a whole number of 0 or more, or"
            f" {configs.RUN!r}, the run's own"
        )
    if seed is not None and stage == MAIN and not data["train_size"]:
        raise InputError(
            f"data.subset_seed={data['subset_seed']!r} draws data.train_size examples, and"
            " train_size=0 takes all; give it a size"
        )
    return chosen


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
