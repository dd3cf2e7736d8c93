"""Fewer training examples: few of them, or none of some classes."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from genlab.data.dataset import Dataset, golden_order
from genlab.data.split import Raw, Split
from genlab.errors import InputError

Array = jax.Array


class SubsetSplit(Split):
    """Some examples of another split, in a new order.

    Args:
      base: the other split.
      rows: their indices in it, `[N]`.
    """

    def __init__(self, base: Split, rows: np.ndarray):
        self.size = len(rows)
        self.nbytes = base.nbytes * self.size // max(1, base.size)
        self._base, self._rows = base, rows.astype(np.int32)

    def gather(self, indices: np.ndarray) -> Raw:
        return self._base.gather(self._rows[np.asarray(indices)])

    def resident(self) -> dict[str, np.ndarray] | None:
        base = self._base.resident()
        return None if base is None else {"rows": self._rows, "base": base}

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        return self._base.lookup(resident["base"], resident["rows"][indices])

    def load(self) -> Split:
        return SubsetSplit(self._base.load(), self._rows)


def select(
    dataset: Dataset, *, train_size: int = 0, without_labels: Sequence[int] = ()
) -> Dataset:
    """The data set with a part of its train split; validation and test stay whole.

    Args:
      dataset: of any kind.
      train_size: examples, an even spread over the order of the split and the same for every seed;
        0 keeps all. A smaller size is a subset of a larger one.
      without_labels: classes that training does not see, for anomaly detection and transfer.

    Raises:
      InputError: more examples than there are, or a class that does not exist.
    """
    if not train_size and not without_labels:
        return dataset
    train = dataset.splits["train"]
    rows = np.arange(train.size)
    if without_labels:
        rows = rows[~np.isin(_labels(dataset), _checked(dataset, without_labels))]
    if not 0 <= train_size <= len(rows):
        raise InputError(
            f"data.train_size={train_size}, but there are {len(rows)} training examples; 0 takes"
            " all"
        )
    if train_size:
        rows = rows[golden_order(len(rows))[:train_size]]
    splits = {**dataset.splits, "train": SubsetSplit(train, rows)}
    return dataclasses.replace(dataset, splits=splits)


def _labels(dataset: Dataset) -> np.ndarray:
    train = dataset.splits["train"].load()
    return train.gather(np.arange(train.size))["label"]


def _checked(dataset: Dataset, labels: Sequence[int]) -> list[int]:
    for label in labels:
        if not 0 <= label < dataset.num_classes:
            raise InputError(
                f"data.without_labels={tuple(labels)}: {dataset.name!r} has"
                f" {dataset.num_classes} classes, from 0"
            )
    if len(set(labels)) == dataset.num_classes:
        raise InputError("data.without_labels leaves no class to train on")
    return list(labels)
