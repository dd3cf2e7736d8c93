"""Examples addressed by their index: in memory, computed, or read from records."""

import abc
import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError

Array = jax.Array
Raw = dict[str, Any]


class Split(abc.ABC):
    """Examples that are addressed by their index in [0, size).

    A raw example is a dict: `x: [H, W, C]` uint8 or `x: [D]` float32, and where they exist
    `y: [H, W, C]` uint8 of a second domain, `label: []` int32 and `factors: [F]` int32.

    Attributes:
      size: number of examples.
      nbytes: bytes of all examples held as arrays; 0 where they are computed from the index.
      protocol: how they were chosen from others, for the protocol of what is trained on them.
    """

    size: int
    nbytes: int
    protocol: Mapping[str, Any] = {}

    @abc.abstractmethod
    def gather(self, indices: np.ndarray) -> Raw:
        """On the host, the raw examples at `indices: [...]`; leaves are `[..., *example]`."""

    def labels(self, indices: np.ndarray) -> np.ndarray:
        """On the host, the labels alone at `indices: [N]`: [N] int32."""
        return self.gather(indices)["label"]

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

    def labels(self, indices: np.ndarray) -> np.ndarray:
        return self.arrays["label"].take(indices, 0)

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
      version: of what `render` draws; another number is other data.
    """

    def __init__(self, render: Callable[[Array], Raw], size: int, version: int = 1):
        self.size = size
        self.version = version
        self.nbytes = 0
        self._render = jax.vmap(render)
        self._compiled = jax.jit(self._render)
        # Compiled apart, since then nothing else of an example is computed.
        self._label = jax.jit(lambda indices: self._render(indices)["label"])

    def gather(self, indices: np.ndarray) -> Raw:
        indices = np.asarray(indices)
        flat = jax.device_get(self._compiled(indices.reshape(-1).astype(np.int32)))
        return {
            name: leaf.reshape(indices.shape + leaf.shape[1:])
            for name, leaf in flat.items()
        }

    def labels(self, indices: np.ndarray) -> np.ndarray:
        return jax.device_get(self._label(np.asarray(indices, np.int32)))

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

    CHUNK = 256  # records per call of `read`: ArrayRecord starts threads on each call

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
