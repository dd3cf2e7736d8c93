"""Class labels as a file holds them: numbers from anywhere, or names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError

Parts = Mapping[str, dict[str, np.ndarray]]  # split -> its arrays by what they are


@dataclass(frozen=True)
class ClassLabels:
    """The classes of some labels, each value once, in order.

    Attributes:
      values: the labels as they occur, `[K]`, ascending.
      names: one for each class, what the file calls it; empty where the labels are 0 to K - 1.
    """

    values: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Iterable[np.ndarray], *, where: str) -> "ClassLabels":
        """The classes of the labels of all splits.

        Args:
          labels: `[N]` of whole numbers (floats too), booleans or strings.
          where: what messages call the labels.

        Raises:
          InputError: labels that are measurements rather than classes, or of another type.
        """
        values = np.unique(np.concatenate([_plain(part, where) for part in labels]))
        counted = values.dtype.kind in "iu" and (values == np.arange(len(values))).all()
        return cls(values, () if counted else tuple(str(value) for value in values))

    def index(self, labels: np.ndarray, *, where: str) -> np.ndarray:
        """The class of each label, `[N]` int32 in [0, K)."""
        return np.searchsorted(self.values, _plain(labels, where)).astype(np.int32)


def number_labels(parts: Parts, *, where: str) -> ClassLabels | None:
    """Puts each label's class in its place; None where there are no labels.

    Args:
      parts: their `label`, `[N]` or `[N, 1]`, become `[N]` int32.
      where: what messages call the file.

    Raises:
      InputError: labels of another shape, or that are no classes.
    """
    labelled = [part for part in parts.values() if "label" in part]
    for part in labelled:
        if part["label"].shape[1:] == (1,):
            part["label"] = part["label"][:, 0]
        if part["label"].ndim != 1:
            raise InputError(
                f"{where}: 'label' has shape {part['label'].shape}; one class for each example is"
                " needed"
            )
    if not labelled:
        return None
    where = f"{where}: 'label'"
    classes = ClassLabels.of([part["label"] for part in labelled], where=where)
    for part in labelled:
        part["label"] = classes.index(part["label"], where=where)
    return classes


def number_factors(parts: Parts, *, where: str) -> dict[str, int]:
    """Puts each factor's value in its place, counted from 0, and counts the values.

    Args:
      parts: their `factors`, `[N, F]` whole numbers, become int32.
      where: what messages call the file.

    Raises:
      InputError: factors of another shape or type, or more of them in one split than in another.
    """
    varied = [part for part in parts.values() if "factors" in part]
    for part in varied:
        factors = part["factors"]
        if factors.ndim != 2 or factors.dtype.kind not in "iu":
            raise InputError(
                f"{where}: 'factors' has shape {factors.shape} and type {factors.dtype}; integers"
                " with 2 axes are needed"
            )
    widths = {part["factors"].shape[1] for part in varied}
    if len(widths) > 1:
        raise InputError(f"{where}: the splits differ in their number of factors")
    counts = {}
    numbered = [np.zeros(part["factors"].shape, np.int32) for part in varied]
    for place in range(widths.pop() if widths else 0):
        name = f"{where}: factor {place}"
        column = [part["factors"][:, place] for part in varied]
        values = ClassLabels.of(column, where=name)
        counts[f"factor_{place}"] = len(values.values)
        for factors, raw in zip(numbered, column, strict=True):
            factors[:, place] = values.index(raw, where=name)
    for part, factors in zip(varied, numbered, strict=True):
        part["factors"] = factors
    return counts


def _plain(labels: np.ndarray, where: str) -> np.ndarray:
    """Labels as integers or strings."""
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind == "S":
        return np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "f":
        odd = labels[~np.isfinite(labels) | (labels != np.round(labels))]
        if odd.size:
            raise InputError(
                f"{where} has the value {odd[0]}; classes are whole numbers or names"
            )
        return labels.astype(np.int64)
    if labels.dtype.kind not in "iuU":
        raise InputError(
            f"{where} is of type {labels.dtype}; whole numbers or names are needed"
        )
    if labels.dtype == np.uint64 and (labels < 2**63).all():
        return labels.astype(np.int64)  # beside int64 it would become float64
    return labels
