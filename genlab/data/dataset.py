"""A data set: its splits, and what an example is."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
import numpy as np

from genlab.data.captions import Captions
from genlab.data.files import Files
from genlab.data.split import ArraySplit, Split
from genlab.errors import InputError

Array = jax.Array

SPLITS = ("train", "validation", "test")


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
      captions: what the class names say of the factors, where they are sentences.
      modes: `[K, 2]` float32 centres of a mixture, for mode coverage.
      mode_std: standard deviation of each mode.
      log_density: log p, nats, `[N]`, of examples `[N, ...]`, where it is known; of arrays of NumPy.
      render: traceable, `[B, F]` int32 factor values to images `[B, H, W, C]` uint8; of the second
        domain where there are two.
      target_shape: (H, W, C) of an example's `y` where there are two domains of images, else ().
      paired: whether the `y` of held-out examples is the true partner of their `x`. Training sees
        partners where the data set says so.
      lowest_pitch: MIDI number of the first pitch of melodies [T, V]; 0 where there are none.
      left_out: what lies beside the examples and is none of them -> how many, `.csv`: 2.
      files: those that the examples are read from; None where they are not read from files.

    Raises:
      InputError: the train split is empty, or a label in memory is none of the classes.
    """

    name: str
    splits: Mapping[str, Split]
    example_shape: tuple[int, ...]
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    factors: Mapping[str, int] = dataclasses.field(default_factory=dict)
    captions: Captions | None = None
    modes: np.ndarray | None = None
    mode_std: float = 0.0
    log_density: Callable[[np.ndarray], np.ndarray] | None = None
    render: Callable[[Array], Array] | None = None
    target_shape: tuple[int, ...] = ()
    paired: bool = False
    lowest_pitch: int = 0
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    files: Files | None = None

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
        for split in self.splits.values():
            if self.num_classes and isinstance(split, ArraySplit):
                self._check_labels(split)

    def _check_labels(self, split: ArraySplit) -> None:
        labels = split.arrays.get("label", np.zeros(0))
        for label in (labels.min(), labels.max()) if labels.size else ():
            if not 0 <= label < self.num_classes:
                raise InputError(
                    f"data set {self.name!r} has the label {label}; its {self.num_classes}"
                    f" classes are 0 to {self.num_classes - 1}"
                )

    @property
    def is_image(self) -> bool:
        return len(self.example_shape) == 3

    def told_left_out(self) -> str:
        """What was left out, in words; empty where nothing was."""
        return ", ".join(f"{count} {what}" for what, count in self.left_out.items())

    def held_out(self) -> tuple[str, Split]:
        """Name and examples of the split to evaluate on: validation, or test where that is empty,
        or train where that is empty too."""
        order = ("validation", "test", "train")
        name = next(name for name in order if self.splits[name].size)
        return name, self.splits[name]


def carve(size: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held out) of `size` examples; round(size * fraction) are held out.

    Every stretch of the order gives its share (see `golden_order`), so that a source sorted by
    class is held out class by class.

    Raises:
      InputError: `fraction` is outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise InputError(f"a held-out fraction of {fraction} is outside [0, 1)")
    order = golden_order(size)
    count = round(size * fraction)
    return np.sort(order[count:]), np.sort(order[:count])


def golden_order(size: int) -> np.ndarray:
    """The indices `[0, size)` in an order whose every prefix is an even spread of them, `[size]`.

    Index i goes by the fractional part of i times the golden ratio, which fills [0, 1) evenly along
    every arithmetic progression. No generator, the same on every machine.
    """
    golden = (5**0.5 - 1) / 2
    return np.argsort(np.arange(size) * golden % 1, kind="stable")


def carve_missing(
    indices: Mapping[str, np.ndarray],
    *,
    validation_fraction: float,
    test_fraction: float = 0.0,
) -> dict[str, np.ndarray]:
    """The three splits of a source by the indices of their examples, `[N]` int64 each.

    Args:
      indices: those of the splits that the source has, `train` among them.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test, which is carved first.
    """
    found = dict(indices)
    fractions = {"test": test_fraction, "validation": validation_fraction}
    for split, fraction in fractions.items():
        if split not in found:
            kept, held = carve(len(found["train"]), fraction)
            found[split] = found["train"][held]
            found["train"] = found["train"][kept]
    return found


def array_splits(
    parts: Mapping[str, Mapping[str, np.ndarray]],
    *,
    validation_fraction: float,
    test_fraction: float = 0.0,
) -> dict[str, Split]:
    """The three splits of arrays; what `parts` lacks is carved from its train.

    Args:
      parts: split -> name -> array `[N, ...]`; `train` among them, and `x` in each.
      validation_fraction: share of the training examples that is held out for validation.
      test_fraction: share that is held out for testing.

    Raises:
      InputError: no `x`, arrays of unlike lengths, or a fraction outside [0, 1).
    """
    indices = {
        split: np.arange(ArraySplit(arrays).size) for split, arrays in parts.items()
    }
    wanted = carve_missing(
        indices, validation_fraction=validation_fraction, test_fraction=test_fraction
    )
    return {
        split: ArraySplit(
            {
                name: array if len(array) == len(rows) else array[rows]
                for name, array in parts.get(split, parts["train"]).items()
            }
        )
        for split, rows in wanted.items()
    }
