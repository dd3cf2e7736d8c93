"""A view on a trained model: what metrics, plots and commands ask of it."""

import copy
import functools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np

from genlab.data.dataset import Dataset, golden_order
from genlab.data.prepare import Preparation
from genlab.data.selection import class_indices, names_of_classes
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.parallel import OverExamples
from genlab.game.precision import exact_products
from genlab.game.turn import State
from genlab.part import name_of, settled
from genlab.process import memory
from genlab.trained import draws
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.helpers import Helpers, made
from genlab.trained.needs import METHODS, takes_label
from genlab.trained.scores import scores_of

PyTree = Any


class Trained:
    """An experiment with a state, its data and its seed.

    The parameters are the averaged ones where a player keeps an average. Compiled functions are
    kept for as long as the object; `at` gives them a newer state.

    A population makes one for all its members: experiments that differ in floats alone share what
    is compiled, and `member` looks at one of them.

    Attributes:
      step: rounds trained.
      seed: the run's seed.
      data: the data set.
      value_range: (low, high) of the examples that the model sees and makes.
      batch_size: examples that an evaluation takes together, which batch normalisation with the
        statistics of a batch looks across.
      devices: what shares the samples and their features, where there are many.
      helpers: other processes that share them as well; None for a process alone.
    """

    def __init__(
        self,
        experiment: Experiment,
        state: State,
        data: Dataset,
        preparation: Preparation,
        seed: int,
        knobs: PyTree = (),
        build: Callable[[PyTree], Experiment] | None = None,
        batch_size: int = 256,
        devices: Sequence[jax.Device] = (),
    ):
        self.experiment = experiment
        self._knobs = knobs
        self._build = build or (lambda knobs: experiment)
        self.data = data
        self.preparation = preparation
        self.helpers: Helpers | None = None
        self.seed = seed
        self.batch_size = batch_size
        self.devices = tuple(devices) or tuple(jax.devices()[:1])
        self._compiled: dict[str, Callable] = {}
        self._kept: dict[Hashable, Any] = {}
        self._seen: dict[str, set[int]] = {}  # labels of examples taken, by split
        self.at(state)

    def at(self, state: State) -> "Trained":
        """Looks at another state of the same experiment."""
        if self.helpers is not None:
            self.helpers.show(state)
        self.params, self.extra = self.experiment.view(state)
        self.step = int(state.step)
        self._of_state: dict[Hashable, Any] = {}  # anew: other views keep theirs
        return self

    def member(self, experiment: Experiment, state: State, seed: int, knobs: PyTree):
        """The view on another member of the population, which shares what is compiled."""
        other = copy.copy(self)
        other.experiment, other.seed, other._knobs = experiment, seed, knobs
        return other.at(state)

    def in_batches_of(self, batch_size: int) -> Self:
        """The same view with another batch size."""
        other = copy.copy(self)
        other.batch_size = batch_size
        return other

    def on(self, data: Dataset) -> Self:
        """The same view on the same data, whose examples are there."""
        other = copy.copy(self)
        other.data = data
        return other

    def once(self, key: tuple[Hashable, ...], make: Callable[[], Any]) -> Any:
        """What no state changes: made at the first call and kept, by key and seed."""
        key = (self.seed, *key)
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def of_state(self, key: Hashable, make: Callable[[Any], Any]) -> Any:
        """What this state makes: `make` of what is kept under the key, None at first; kept till `at`."""
        self._of_state[key] = make(self._of_state.get(key))
        return self._of_state[key]

    def compile(self, name: str, function: Callable) -> Callable:
        """`function(experiment, *arrays)` compiled once for all members and steps; called without it."""
        if name not in self._compiled:
            exact, build = exact_products(function), self._build
            self._compiled[name] = jax.jit(
                lambda knobs, step, *rest: exact(settled(build(knobs), step), *rest)
            )
        step = np.int32(self.step)
        return functools.partial(self._compiled[name], self._knobs, step)

    def compile_over(
        self, name: str, function: Callable, whole: PyTree, num: int
    ) -> Callable:
        """`function(experiment, whole, examples)`, compiled as by `compile`, with the examples split
        over the first `num` devices; called with them."""
        key = f"{name}, {num} devices"
        if key not in self._compiled:
            build = self._build
            self._compiled[key] = OverExamples(
                lambda whole, examples: function(
                    settled(build(whole[0]), whole[1]), whole[2], examples
                ),
                self.devices[:num],
            )
        program = self._compiled[key]
        placed = program.place((self._knobs, np.int32(self.step), whole))
        return functools.partial(program, placed)

    @property
    def value_range(self) -> tuple[float, float]:
        return self.preparation.value_range

    def has(self, method: str) -> bool:
        """Whether the family can do this: `sample`, `encode`, `reconstruct`, ..."""
        return callable(getattr(self.experiment, method, None))

    def call(self, method: str, *arrays: np.ndarray) -> Any:
        """An experiment's method on arrays, compiled.

        Raises:
          InputError: the experiment has no such method.
        """
        self.require(method)
        compiled = self.compile(
            method, lambda experiment, *rest: getattr(experiment, method)(*rest)
        )
        return jax.device_get(compiled(self.params, self.extra, *arrays))

    def seen_by(
        self, method: str, batch: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, ...]:
        """What `call` of a method is given of examples: `x`, and `label` where it takes one and they
        have one."""
        labelled = "label" in batch and takes_label(self.experiment, method)
        return tuple(batch[name] for name in ("x", "label")[: 1 + labelled])

    def sample(self, num: int, label: Any = None, seed: int = 0) -> np.ndarray:
        """`num` samples, `[num, ...]`, from latents that depend on the run's seed and on `seed` alone.

        The first n samples are the same for every `num`. Labels are as `classes` takes them.

        Raises:
          InputError: the experiment does not sample (classes), or no such class.
        """
        size = 4 * num * math.prod(self.data.example_shape)
        memory.refuse_more_than(memory.host(), {f"{num:,} samples": size})
        given = None if label is None else np.asarray(label).tolist()
        chunks = made(self, draws.samples, num=num, label=given, seed=seed)
        return np.concatenate(chunks)[:num]

    def samples_in_chunks(
        self,
        num: int,
        label: Any = None,
        seed: int = 0,
        sampler: str = "sample",
        only: Iterable[int] | None = None,
    ) -> Iterator[Any]:
        """The same samples, or those of a `sampler`, whole chunks of SAMPLE_CHUNK for each device; all or `only`
        those with these indices."""
        self.require(sampler if label is None else "sample_classes")
        if num < 1:
            raise InputError(f"{num} samples cannot be drawn; ask for 1 or more")
        labels = None if label is None else self.classes(label, num)
        abreast = self.abreast(num)
        chunk = functools.partial(draws.one_chunk, sampler=sampler)
        compiled = self.compile_over(sampler, chunk, (self.params, self.extra), abreast)
        key = self.sample_key(seed)
        yield from map(compiled, draws.chunks(key, num, labels, abreast, only))

    def abreast(self, num: int) -> int:
        """How many chunks of `num` samples are drawn at a time, one on each device."""
        return max(1, min(-(-num // SAMPLE_CHUNK), len(self.devices)))

    def sample_key(self, seed: int = 0) -> jax.Array:
        """The key that the keys of all chunks of samples are folded from."""
        key = rng.fold(jax.random.key(self.seed), "sample")
        return rng.fold(key, f"seed/{seed}") if seed else key

    def classes(self, label: Any, num: int) -> np.ndarray:
        """Indices of classes, [num] int32, of one label or of `num`: names of classes or indices.

        Raises:
          InputError: no such class, or another number of them.
        """
        return class_indices(self.data, label, num)

    def require(self, method: str) -> None:
        """Raises InputError unless the family can do this; says what it can."""
        if not self.has(method):
            offers = ", ".join(filter(self.has, METHODS)) or "none of what is asked for"
            told = f"experiment {name_of(self.experiment)!r} does not {method}"
            raise InputError(f"{told}; it has {offers}")

    def examples(self, split: str, num: int) -> dict[str, np.ndarray]:
        """`num` examples of a split as the model sees them, without augmentation.

        They are spread evenly over the split, however it is sorted, and fewer of them are the first
        of more (see `golden_order`); so any part of what is returned, from its beginning, is spread
        evenly as well.

        Raises:
          InputError: fewer than one asked for.
        """
        if num < 1:
            raise InputError(f"{num} examples cannot be taken; ask for 1 or more")
        batch = self.examples_at(split, self._rows(split, num))
        self._note_labels(split, batch)
        return batch

    def examples_in_chunks(
        self,
        split: str,
        num: int,
        chunk: int,
        *,
        as_stored: bool = False,
        only: Iterable[int] | None = None,
    ) -> Iterator[dict[str, np.ndarray]]:
        """The same examples, or as the data set has them, unprepared, `chunk` of them at a time; all or `only`
        the chunks with these indices."""
        rows = self._rows(split, num)
        for index in range(-(-len(rows) // chunk)) if only is None else only:
            part = rows[index * chunk : (index + 1) * chunk]
            gather = self.data.splits[split].gather
            batch = gather(part) if as_stored else self.examples_at(split, part, index)
            self._note_labels(split, batch)
            yield batch

    def missed_classes(self) -> dict[str, list[str]]:
        """Classes of the data that none of the examples had that were taken since the last call, by
        split; of splits that were looked at for labels."""
        seen, classes = dict(self._seen), set(range(self.data.num_classes))
        self._seen.clear()
        missed = {split: classes - labels for split, labels in seen.items()}
        return {s: names_of_classes(self.data, m) for s, m in missed.items() if m}

    def _rows(self, split: str, num: int) -> np.ndarray:
        order = golden_order(self.data.splits[split].size)
        return order[:num].astype(np.int32)

    def _note_labels(self, split: str, batch: dict[str, np.ndarray]) -> None:
        if self.data.num_classes and "label" in batch:
            self._seen.setdefault(split, set()).update(batch["label"].tolist())

    def examples_at(
        self, split: str, rows: np.ndarray, index: int = 0
    ) -> dict[str, np.ndarray]:
        """The examples of a split at `rows: [N]` as the model sees them, without augmentation;
        `index` tells several calls apart where the preparation is random."""
        raw = self.data.splits[split].gather(rows)
        return jax.device_get(self.prepared(split, {"index": rows, **raw}, index))

    def scores(self, split: str, batch_size: int) -> dict[str, np.ndarray]:
        """What the family measures of every example of a split, by name: [N] each."""
        return scores_of(self, split, batch_size)

    def prepared(
        self, split: str, raw: dict[str, np.ndarray], index: int
    ) -> dict[str, jax.Array]:
        """Examples of a split as the data set has them, as the model sees them, without augmentation."""
        prepare = jax.jit(functools.partial(self.preparation, train=False))
        compiled = self._compiled.setdefault("prepare", prepare)
        return compiled(raw, rng.stream(self.seed, f"prepare/{split}", index))
