"""Class labels as a file holds them: numbers from anywhere, or names."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError


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
    return labels
