"""The parts that a plain config describes, built and fitted to each other."""

import contextlib
import functools
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from genlab import config as configs
from genlab import evaluate, memory, rng
from genlab.build import SECTIONS, build_experiment, starts_from_mean
from genlab.compatibility import check_output_ranges, check_slopes
from genlab.data.dataset import Dataset
from genlab.data.facts import facts_of
from genlab.data.feed import Feed
from genlab.data.fingerprint import fingerprint
from genlab.data.prepare import Preparation
from genlab.data.selection import select
from genlab.data.statistics import example_mean, example_range
from genlab.errors import InputError, is_out_of_memory, suggest
from genlab.experiment import Experiment, State
from genlab.parallel import all_devices
from genlab.plan import Plan
from genlab.registry import datasets, metrics, plots, schedules, starts
from genlab.rounds import rounds_of
from genlab.stage import MAIN
from genlab.start import Sources
from genlab.trained import Trained

_log = logging.getLogger("genlab")


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
        all_devices()  # a backend that is missing is no matter of the parts
        with _data_must_serve(config):
            source = source or load_data(config)
            data = select(source, **_selection(config, stage))
            preparation = Preparation(
                **{
                    knob: _as_tuple(config["data"][knob])
                    for knob in configs.PREPARATION
                    if knob in config["data"]  # a run may be older than a knob
                }
            )
            data = preparation.outcome(data)
        with _parts_must_fit(config):
            spec = {section: config[section] for section in SECTIONS}
            experiment = build_experiment(spec, data, config["dtype"])
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
    def end(self) -> int:
        """Rounds of the run after its last."""
        return self.begin + self.config["train"]["steps"]

    def init_state(self) -> State:
        """The state before the first round, all fresh: a pure function of the seed."""
        return jax.jit(self.first_state)(np.uint32(self.config["seed"]))

    def first_state(
        self, seed: int | jax.Array, sources: Sources | None = None
    ) -> State:
        """The state before the first round; with sources, what it takes over from them."""
        key = rng.stream(seed, "init", self.begin)
        start = None
        if sources is not None:
            start = functools.partial(
                starts.choose(self.config["start"]), sources=sources
            )
        name = self.config["start"]["name"]
        with _blaming(
            f"start {name!r} fails, or the parameters it is given do not fit"
        ):
            state = self.experiment.init_state(key, self.example_batch(), start)
        return state.replace(step=state.step + self.begin)

    def shapes(self) -> State:
        """Shapes and types of the state; nothing is computed."""
        return jax.eval_shape(
            lambda key: self.experiment.init_state(key, self.example_batch()),
            jax.random.key(0),
        )

    def example_batch(self) -> dict[str, jax.Array]:
        """A batch of two blank examples, for shapes."""
        shapes = {"x": self.data.example_shape, "y": self.data.target_shape}
        return {name: jnp.zeros((2, *shape)) for name, shape in shapes.items() if shape}

    def feed(self) -> Feed:
        """Batches of the train split, as many examples a draw as the config says."""
        draws = self.experiment.draws()
        with _data_must_serve(self.config):
            return Feed(
                self.data,
                self.preparation,
                seed=self.config["seed"],
                batch_size=self.config["train"]["batch_size"],
                draws=draws,
                backend=self.config["data"]["backend"],
            )

    def check_fit(self, feed: Feed) -> None:
        """Checks before training what only training would find, tracing one round on shapes alone.

        A trained run is not asked: it can be looked at where what its metrics need has gone.

        Raises:
          InputError: more memory is needed than there is, networks and objective do not fit data and
            each other (the first line of the reason is in the message), a chosen metric or plot cannot
            serve them, the best state would be chosen on what is reported, or a schedule is at 0
            before the last round.
        """
        self._check_memory(feed)
        self._check_schedules()
        inputs = (self.shapes(), feed.resident, feed.chunk(0, 1), np.uint32(0))
        shapes = jax.eval_shape(lambda *leaves: leaves, *inputs)
        measured, drawn = self.config["eval"], self.config["sample"]["plots"]
        if best := measured["best"]:
            evaluate.check_choice(self.data, measured, f"eval.best={best!r}")
        with _parts_must_fit(self.config):
            edges = example_range(self.data, self.preparation)
            check_output_ranges(self.experiment, self.data, *edges)
            check_slopes(self.experiment, self.shapes())
            chosen = [*measured["metrics"], *measured["final_metrics"]]
            evaluate.check(self.experiment, self.data, metrics, chosen)
            evaluate.check(self.experiment, self.data, plots, drawn)
            jax.eval_shape(rounds_of(self.experiment, feed), *shapes)

    def _check_memory(self, feed: Feed) -> None:
        """State, data and a batch, before any of them is made: networks' outputs come on top."""
        config, count = self.config, self.config["devices"] or len(all_devices())
        shapes = filter(None, (self.data.example_shape, self.data.target_shape))
        example = 4 * sum(math.prod(shape) for shape in shapes)
        batch = feed.batch_size * feed.draws
        held = {
            "the state of the networks": memory.bytes_of(self.shapes()),
            "the training data (data.backend)": memory.bytes_of(feed.resident),
        }
        train = f"a round of train.batch_size={feed.batch_size:,}"
        watch = f"a batch of eval.batch_size={config['eval']['batch_size']:,}"
        limit = memory.of_device()
        memory.refuse_more_than(limit, {**held, train: batch * example // count})
        evaluated = config["eval"]["batch_size"] * example
        memory.refuse_more_than(limit, {**held, watch: evaluated})
        rounds = Plan.of(config, self.begin).most_rounds(self.begin)
        call = f"the order of examples in a call of {rounds:,} rounds (train.steps_per_call)"
        memory.refuse_more_than(memory.host(), {call: rounds * batch * 4})

    def _check_schedules(self) -> None:
        for player, part in self.config["optimizer"].items():
            if part.get("schedule") is None:
                continue
            turns = [t for t in self.experiment.turns() if t.player == player]
            moves = self.config["train"]["steps"] * sum(t.repeats for t in turns)
            updates = moves // part.get("accumulate", 1)
            with _blaming(f"optimizer.{player}.schedule cannot be followed"):
                factor = schedules.choose(part["schedule"])()
                if not updates or factor(updates - 1) > 0:
                    continue
                points = np.linspace(0, updates - 1, min(updates, 10**6)).round()
                looked_at = points.astype(np.int32)
                moving = looked_at[np.asarray(jax.vmap(factor)(looked_at)) > 0]
            # The end of a long cosine is rounded to 0, about a ten-thousandth of it.
            if len(moving) and updates - moving[-1] - 1 > updates / 1000:
                raise InputError(
                    f"optimizer.{player}.schedule is at 0 from update {moving[-1] + 1:,} on, and"
                    f" train.steps={self.config['train']['steps']:,} makes {updates:,} updates;"
                    " stretch the schedule to as many"
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
        )


def _parts_must_fit(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever the chosen parts raise is about the choice."""
    chosen = [config["experiment"], config["objective"], *config["model"].values()]
    parts = ", ".join(repr(part["name"]) for part in chosen)
    return _blaming(
        f"{parts} and data {config['data']['name']!r} do not fit together, or a knob of one"
        " has a value that it cannot use"
    )


def _data_must_serve(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever is raised is about the data set and its knobs."""
    return _blaming(
        f"data {config['data']['name']!r} cannot be read, or a knob of it has a value that it"
        " cannot use"
    )


@contextlib.contextmanager
def _blaming(what: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"{what} ({reason}); --verbose shows where") from error


def _check_evaluation(section: dict[str, Any], data: Dataset) -> None:
    for key in ("split", "final_split"):
        if section[key] not in data.splits:
            hint = suggest(section[key], data.splits)
            raise InputError(f"eval.{key}={section[key]!r} is no split{hint}")
    if section["best"] and not section["every"]:
        raise InputError(
            f"eval.best={section['best']!r} is never measured during training;"
            " give eval.every a period"
        )


def load_data(config: dict[str, Any]) -> Dataset:
    """The data set that a plain config chooses, whole."""
    data = datasets.choose(chosen_data(config))()
    if not isinstance(data, Dataset):
        raise TypeError(f"it returns a {type(data).__name__}, not a Dataset")
    if data.left_out:
        _log.warning("data set %s leaves out %s", data.name, data.told_left_out())
    return data


def chosen_data(config: dict[str, Any]) -> dict[str, Any]:
    """The data set that a config chooses: its name and knobs."""
    others = (*configs.PREPARATION, *configs.SELECTION, *configs.FEEDING)
    return {knob: v for knob, v in config["data"].items() if knob not in others}


def _selection(config: dict[str, Any], stage: str) -> dict[str, Any]:
    """How a config chooses training examples; a run may be older than a knob."""
    data = config["data"]
    chosen = {knob: data[knob] for knob in configs.SELECTION if knob in data}
    if chosen.get("subset_seed") == configs.RUN:
        chosen["subset_seed"] = config["seed"]
    if not isinstance(seed := chosen.get("subset_seed"), int | None) or (seed or 0) < 0:
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
