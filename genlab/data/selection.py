"""Fewer training examples: few of them, or none of some classes."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from genlab.blame import blaming
from genlab.data.dataset import Dataset, golden_order
from genlab.data.facts import AbsentSplit
from genlab.data.split import Raw, Split
from genlab.errors import InputError, suggest

Array = jax.Array

NAMED = 20  # classes of a long list that are called by their names


class SubsetSplit(Split):
    """Some examples of another split, in a new order.

    Args:
      base: the other split.
      rows: their indices in it, `[N]`.
      drawn_by: what chose them, for the protocol; empty where only classes were left out.
      class_names: of the labels.
    """

    def __init__(
        self,
        base: Split,
        rows: np.ndarray,
        drawn_by: str = "",
        class_names: Sequence[str] = (),
    ):
        self._drawn_by, self._class_names = drawn_by, class_names
        self.size = len(rows)
        self.nbytes = base.nbytes * self.size // max(1, base.size)
        self._base, self._rows = base, rows.astype(np.int32)

    @functools.cached_property
    def protocol(self) -> Mapping[str, Any]:
        """How many examples, by what they were chosen, and how many of each class."""
        if not self._drawn_by:
            return {}
        chosen: dict[str, Any] = {"examples": self.size, "drawn_by": self._drawn_by}
        if "label" in self.gather(np.arange(min(self.size, 1))):
            labels = self.labels(np.arange(self.size))
            found, counts = np.unique(labels, return_counts=True)
            names = [
                str(self._class_names[f] if self._class_names else f) for f in found
            ]
            chosen["classes"] = dict(zip(names, counts.tolist(), strict=True))
        return {"train_subset": chosen}

    def gather(self, indices: np.ndarray) -> Raw:
        return self._base.gather(self._rows[np.asarray(indices)])

    def labels(self, indices: np.ndarray) -> np.ndarray:
        return self._base.labels(self._rows[np.asarray(indices)])

    def resident(self) -> dict[str, np.ndarray] | None:
        base = self._base.resident()
        return None if base is None else {"rows": self._rows, "base": base}

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        return self._base.lookup(resident["base"], resident["rows"][indices])

    def load(self) -> Split:
        names = self._class_names
        return SubsetSplit(self._base.load(), self._rows, self._drawn_by, names)


def select(
    dataset: Dataset,
    *,
    train_size: int = 0,
    without_labels: Sequence[int | str] = (),
    subset_seed: int | None = None,
) -> Dataset:
    """The data set with a part of its train split; validation and test stay whole.

    Args:
      dataset: of any kind.
      train_size: examples; 0 keeps all. A smaller size is a subset of a larger one.
      without_labels: classes that training does not see, by index or by name, for anomaly
        detection and transfer.
      subset_seed: draws the examples, each class its share as near as whole numbers allow; None takes
        an even spread over the order of the split, always the same.

    Raises:
      InputError: more examples than there are, or a class that does not exist.
    """
    if not train_size and not without_labels:
        return dataset
    train = dataset.splits["train"]
    if isinstance(train, AbsentSplit):  # whoever has no examples chooses none
        return dataset
    rows = np.arange(train.size)
    if without_labels:
        rows = rows[~np.isin(_labels(dataset), _checked(dataset, without_labels))]
    if not 0 <= train_size <= len(rows):
        raise InputError(
            f"data.train_size={train_size}, but there are {len(rows)} training examples; 0 takes"
            " all"
        )
    drawn_by = ""
    if train_size and subset_seed is None:
        # In their own order, of which an even spread is taken again by whoever looks at a part.
        chosen = np.sort(golden_order(len(rows))[:train_size])
        rows, drawn_by = rows[chosen], "even spread"
    elif train_size:
        labels = _labels(dataset)[rows] if dataset.num_classes else np.zeros(len(rows))
        order = stratified_order(labels.astype(int), subset_seed)
        rows, drawn_by = rows[order[:train_size]], f"seed {subset_seed}, by class"
    subset = SubsetSplit(train, rows, drawn_by, dataset.class_names)
    return dataclasses.replace(dataset, splits={**dataset.splits, "train": subset})


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """A random order of which every prefix holds each class by its share, to within one example.

    Args:
      labels: [N] int.
      seed: of the order.

    Returns:
      [N] indices.
    """
    generator = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        ranks = generator.permutation(len(members))
        place[members] = (ranks + generator.uniform()) / len(members)
    return np.argsort(place, kind="stable")


def _labels(dataset: Dataset) -> np.ndarray:
    with blaming(f"data set {dataset.name!r} fails"):
        train = dataset.splits["train"].load()
        return train.labels(np.arange(train.size))


def _checked(dataset: Dataset, labels: Sequence[int | str]) -> list[int]:
    found = [class_index(dataset, label, "data.without_labels") for label in labels]
    if len(set(found)) == dataset.num_classes:
        raise InputError("data.without_labels leaves no class to train on")
    return found


def class_index(dataset: Dataset, label: int | str, what: str) -> int:
    """The index of a class that is given by its name, or by its index where no name is a number.

    Messages call the label `what`.

    Raises:
      InputError: there is no such class.
    """
    names = dataset.class_names
    if str(label) in names:
        return names.index(str(label))
    if isinstance(label, str) and label.isdecimal():  # from a command line
        label = int(label)
    numbered = any(name.lstrip("-").isdecimal() for name in names)
    if type(label) is int and not numbered and 0 <= label < dataset.num_classes:
        return label
    known = ", ".join(names) if names else f"0 to {dataset.num_classes - 1}"
    if len(names) > 20:
        known = f"{names[0]}, {names[1]}, ... {names[-1]}"
    close = suggest(label, names) if isinstance(label, str) and names else ""
    raise InputError(
        f"{what}={label!r}: {dataset.name!r} has {dataset.num_classes} classes,"
        f" {known}{close if 'did you mean' in close else ''}"
    )


def class_indices(dataset: Dataset, label: Any, num: int) -> np.ndarray:
    """Indices of classes, [num] int32, of one label or of `num`: names of classes or indices.

    Raises:
      InputError: no such class, or another number of them.
    """
    if not dataset.num_classes:
        told = f"label={label!r} names no class: {dataset.name!r} has no labels"
        raise InputError(told)
    given = np.asarray(label).tolist()
    given = given if isinstance(given, list) else [given] * num
    if len(given) != num:
        told = f"{len(given)} labels for {num} examples; give one, or {num}"
        raise InputError(told)
    indices = {one: class_index(dataset, one, "label") for one in set(given)}
    return np.array([indices[one] for one in given], np.int32)


def names_of_classes(dataset: Dataset, labels: Iterable[int]) -> list[str]:
    """What classes are called, by index and in order; of many the first NAMED, and how many more."""
    labels, names = sorted(labels), dataset.class_names
    named = [str(names[label] if names else label) for label in labels[:NAMED]]
    return named + ([f"{len(labels) - NAMED} more"] if len(labels) > NAMED else [])
