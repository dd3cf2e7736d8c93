"""A data set: its splits, and what an example is."""

import abc
import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError

Array = jax.Array
Raw = dict[str, Any]

SPLITS = ("train", "validation", "test")


class Split(abc.ABC):
    """Examples that are addressed by their index in [0, size).

    A raw example is a dict: `x: [H, W, C]` uint8 or `x: [D]` float32, and where they exist
    `label: []` int32 and `factors: [F]` int32.

    Attributes:
      size: number of examples.
      nbytes: bytes of all examples held as arrays; 0 where they are computed from the index.
    """

    size: int
    nbytes: int

    @abc.abstractmethod
    def gather(self, indices: np.ndarray) -> Raw:
        """On the host, the raw examples at `indices: [...]`; leaves are `[..., *example]`."""

    @abc.abstractmethod
    def resident(self) -> dict[str, np.ndarray] | None:
        """What `lookup` needs on the device; None where the split cannot be held there."""

    @abc.abstractmethod
    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        """As `gather`, traceable, from `resident` on the device and `indices: [...]` int32."""

    @abc.abstractmethod
    def load(self) -> "Split":
        """The same examples held in memory, or computed."""


class ArraySplit(Split):
    """Examples held in memory.

    Args:
      arrays: leaves `[N, ...]` of equal length; `x` among them.

    Raises:
      InputError: no `x`, or lengths that differ.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        if "x" not in arrays:
            raise InputError(f"a split needs an array 'x'; it has {sorted(arrays)}")
        sizes = {name: len(array) for name, array in arrays.items()}
        if len(set(sizes.values())) > 1:
            raise InputError(
                f"the arrays of a split differ in length: {sizes}; each needs one entry"
                " per example"
            )
        self.arrays = dict(arrays)
        self.size = sizes["x"]
        self.nbytes = sum(array.nbytes for array in arrays.values())

    def gather(self, indices: np.ndarray) -> Raw:
        return {name: array.take(indices, 0) for name, array in self.arrays.items()}

    def resident(self) -> dict[str, np.ndarray]:
        return self.arrays

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        return {name: array[indices] for name, array in resident.items()}

    def load(self) -> "ArraySplit":
        return self


class RenderedSplit(Split):
    """Examples computed from their index, on whichever device asks.

    Args:
      render: traceable and pure, one index `[]` int32 to one raw example.
      size: number of examples.
    """

    def __init__(self, render: Callable[[Array], Raw], size: int):
        self.size = size
        self.nbytes = 0
        self._render = jax.vmap(render)
        self._compiled = jax.jit(self._render)

    def gather(self, indices: np.ndarray) -> Raw:
        indices = np.asarray(indices)
        flat = jax.device_get(self._compiled(indices.reshape(-1).astype(np.int32)))
        return {
            name: leaf.reshape(indices.shape + leaf.shape[1:])
            for name, leaf in flat.items()
        }

    def resident(self) -> dict[str, np.ndarray]:
        return {}

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        flat = self._render(indices.reshape(-1))
        return {
            name: leaf.reshape(indices.shape + leaf.shape[1:])
            for name, leaf in flat.items()
        }

    def load(self) -> "RenderedSplit":
        return self


class Records(abc.ABC):
    """A random-access source of encoded examples: files, ArrayRecord."""

    @abc.abstractmethod
    def read(self, indices: list[int]) -> list[Raw]:
        """The decoded examples at `indices`; called from several threads at once."""


class RecordSplit(Split):
    """Examples read and decoded when asked for, by grain's threads.

    Args:
      records: the source.
      indices: which of its records, in order, are the split's examples: `[N]` int64.
      example_bytes: bytes of one decoded example.
    """

    CHUNK = 64  # records per call of `read` at most: more would only delay the first

    def __init__(self, records: Records, indices: np.ndarray, *, example_bytes: int):
        self.size = len(indices)
        self.nbytes = self.size * example_bytes
        self._records = records
        self._indices = indices

    def gather(self, indices: np.ndarray) -> Raw:
        import grain  # takes half a second, and most data sets do without

        indices = np.asarray(indices)
        wanted = self._indices[indices.reshape(-1)].tolist()
        threads = os.cpu_count() or 1
        # A small batch of large images is shared out over all threads.
        width = min(self.CHUNK, max(1, len(wanted) // (2 * threads)))
        chunks = [wanted[at : at + width] for at in range(0, len(wanted), width)]
        options = grain.ReadOptions(num_threads=threads)
        source = grain.MapDataset.source(chunks).map(self._records.read)
        examples = [
            example for chunk in source.to_iter_dataset(options) for example in chunk
        ]
        return {
            name: np.stack([example[name] for example in examples]).reshape(
                indices.shape + np.shape(examples[0][name])
            )
            for name in examples[0]
        }

    def resident(self) -> None:
        return None

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        raise TypeError("records are read on the host; load() the split first")

    def load(self) -> Split:
        return self._loaded

    @functools.cached_property
    def _loaded(self) -> Split:
        return ArraySplit(self.gather(np.arange(self.size))) if self.size else self


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Splits, and what an example is.

    Attributes:
      name: as registered.
      splits: `train`, `validation` and `test`; the last two may be empty.
      example_shape: (H, W, C) of an image or (D,) of a point.
      num_classes: 0 where there are no labels.
      class_names: one for each class, or empty.
      factors: name of a generative factor -> number of its values, in the order of `factors` in
        a raw example.
      modes: `[K, 2]` float32 centres of a mixture, for mode coverage.
      mode_std: standard deviation of each mode.
      render: traceable, `[B, F]` int32 factor values to images `[B, H, W, C]` uint8.

    Raises:
      InputError: the train split is empty.
    """

    name: str
    splits: Mapping[str, Split]
    example_shape: tuple[int, ...]
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    factors: Mapping[str, int] = dataclasses.field(default_factory=dict)
    modes: np.ndarray | None = None
    mode_std: float = 0.0
    render: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        if set(self.splits) != set(SPLITS):
            raise InputError(
                f"data set {self.name!r} has splits {sorted(self.splits)}; it needs"
                f" exactly {', '.join(SPLITS)}"
            )
        if self.splits["train"].size == 0:
            raise InputError(
                f"the train split of {self.name!r} is empty; it needs one example or"
                " more (a validation_fraction below 1 leaves some)"
            )

    @property
    def is_image(self) -> bool:
        return len(self.example_shape) == 3

    def held_out(self) -> tuple[str, Split]:
        """Name and examples of the split to evaluate on: validation, or test where that is empty,
        or train where that is empty too."""
        order = ("validation", "test", "train")
        name = next(name for name in order if self.splits[name].size)
        return name, self.splits[name]


def carve(size: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held out) of `size` examples; round(size * fraction) are held out.

    Every stretch of the order gives its share, so that a source sorted by class is held out class
    by class: index i goes by the fractional part of i times the golden ratio, which fills [0, 1)
    evenly along every arithmetic progression. No generator, the same on every machine.

    Raises:
      InputError: `fraction` is outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise InputError(f"a held-out fraction of {fraction} is outside [0, 1)")
    golden = (5**0.5 - 1) / 2
    order = np.argsort(np.arange(size) * golden % 1, kind="stable")
    count = round(size * fraction)
    return np.sort(order[count:]), np.sort(order[:count])


def array_splits(
    train: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray] | None = None,
    validation: Mapping[str, np.ndarray] | None = None,
    *,
    validation_fraction: float,
    test_fraction: float = 0.0,
) -> dict[str, Split]:
    """The three splits of arrays `[N, ...]`; what the source lacks is carved from train."""

    def part(indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: array[indices] for name, array in train.items()}

    if test is None:
        kept, held = carve(ArraySplit(train).size, test_fraction)
        train, test = part(kept), part(held)
    if validation is None:
        kept, held = carve(ArraySplit(train).size, validation_fraction)
        train, validation = part(kept), part(held)
    return {
        "train": ArraySplit(train),
        "validation": ArraySplit(validation),
        "test": ArraySplit(test),
    }


def count_classes(labels: Iterable[np.ndarray]) -> int:
    """One more than the largest label of several arrays; 0 where all are empty."""
    return max((int(array.max()) + 1 for array in labels if array.size), default=0)
