"""Images of two domains in files: which belong together, and how they are read."""

import logging
import math
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset
from genlab.data.split import Records, RecordSplit
from genlab.errors import InputError

log = logging.getLogger(__name__)

SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}
DIRECTIONS = ("a_to_b", "b_to_a")


@dataclass(frozen=True)
class Picture:
    """An image file, or the left or right half of one.

    Attributes:
      file: the file.
      half: "whole", "left" or "right".
    """

    file: pathlib.Path
    half: str = "whole"

    def read(self, image_size: images.Size | None, channels: int | None) -> np.ndarray:
        """`[H, W, C]` uint8.

        Raises:
          InputError: the file cannot be read, or its width has no half.
        """
        name = str(self.file)
        if self.half == "whole":
            return images.decode(
                self.file, image_size=image_size, channels=channels, name=name
            )
        both = images.decode(self.file, image_size=None, channels=channels, name=name)
        middle, odd = divmod(both.shape[1], 2)
        if odd or not middle:
            raise InputError(
                f"image {name} is {both.shape[1]} pixels wide; two images side by side need"
                " an even width"
            )
        half = both[:, :middle] if self.half == "left" else both[:, middle:]
        return images.convert(half[None], image_size=image_size, channels=channels)[0]


Pair = tuple[Picture, Picture]


class PairRecords(Records):
    """Pairs of image files that are brought to the shapes of the first pair.

    Args:
      pairs: x and y of every example.
      image_size, channels: what every image is brought to, as by `images.decode`.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        image_size: images.Size | None,
        channels: int | None,
    ):
        self.pairs = pairs
        self._options = (image_size, channels)
        self.shapes = tuple(side.read(*self._options).shape for side in pairs[0])

    def read(self, indices: list[int]) -> list[dict]:
        return [
            {
                name: self._read(side, shape)
                for name, side, shape in zip("xy", self.pairs[index], self.shapes)
            }
            for index in indices
        ]

    def _read(self, picture: Picture, shape: tuple[int, ...]) -> np.ndarray:
        x = picture.read(*self._options)
        if x.shape[2] < shape[2]:
            x = np.repeat(x, shape[2], axis=2)
        if x.shape != shape:
            raise InputError(
                f"image {picture.file} has shape {x.shape} and the first one {shape}; set"
                " image_size and channels to bring all to one shape"
            )
        return x


def dataset_of(
    name: str,
    pairs: dict[str, list[Pair]],
    *,
    image_size: images.Size | None,
    channels: int | None,
    paired: bool,
) -> Dataset:
    """The data set of the pairs of each split, the train split's first pair giving the shapes."""
    listed = [pair for part in pairs.values() for pair in part]
    records = PairRecords(listed, image_size, channels)
    example_bytes = sum(math.prod(shape) for shape in records.shapes)
    splits, first = {}, 0
    for split, part in pairs.items():
        rows = np.arange(first, first + len(part))
        splits[split] = RecordSplit(records, rows, example_bytes=example_bytes)
        first += len(part)
    return Dataset(
        name=name,
        splits=splits,
        example_shape=records.shapes[0],
        target_shape=records.shapes[1],
        paired=paired,
    )


def check_folder(path: str, direction: str, kind: str) -> pathlib.Path:
    """The folder, which must exist, for a direction that must be known."""
    if direction not in DIRECTIONS:
        raise InputError(
            f"direction {direction!r} is unknown; one of {', '.join(DIRECTIONS)}"
        )
    root = pathlib.Path(path).expanduser()
    if not path or not root.is_dir():
        raise InputError(f"no folder {path!r}; name one, as in {kind}:data/facades")
    return root


def find_place(root: pathlib.Path, split: str, suffix: str) -> pathlib.Path | None:
    """The folder of a split, `trainA` for the suffix A; None where there is none."""
    names = (name + suffix for name in SPLIT_NAMES[split])
    return next((root / name for name in names if (root / name).is_dir()), None)


def list_pictures(place: pathlib.Path) -> list[pathlib.Path]:
    """Image files of a folder, sorted by name.

    Raises:
      InputError: there are none.
    """
    found = sorted(
        entry
        for entry in place.iterdir()
        if entry.suffix.lower() in images.SUFFIXES and not entry.name.startswith(".")
    )
    if not found:
        raise InputError(
            f"{place} holds no images; endings read are"
            f" {', '.join(sorted(images.SUFFIXES))}"
        )
    return found


def without_unreadable(pictures: Sequence[Sequence[Picture]]) -> list:
    """The entries whose pictures can all be read; how many cannot is logged."""
    kept = [entry for entry in pictures if all(map(_readable, entry))]
    if dropped := len(pictures) - len(kept):
        log.warning(
            "skipped %d of %d entries that cannot be read", dropped, len(pictures)
        )
    return kept


def _readable(picture: Picture) -> bool:
    try:
        picture.read(None, None)
    except InputError:
        return False
    return True
