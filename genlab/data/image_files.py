"""Image files: where they lie, which can be read, and one shape for all."""

import logging
import os
import pathlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from genlab.data import images
from genlab.data.dataset import SPLITS
from genlab.data.files import files_below, held_out
from genlab.errors import InputError

log = logging.getLogger(__name__)

Entry = TypeVar("Entry")

# What is left out of a data set of files, besides files by their endings.
UNREADABLE, UNUSED = "unreadable", "images outside the splits"


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

    def announces(
        self,
        shape: tuple[int, ...],
        image_size: images.Size | None,
        channels: int | None,
    ) -> bool:
        """Whether the header promises that `read` gives this shape, or gray in the place of colour.

        Raises:
          UnreadableImage: the header alone shows that the file cannot be read.
        """
        height, width, depth = images.announced(self.file, name=str(self.file))
        if self.half != "whole":
            width, odd = divmod(width, 2)
            if odd:
                return False
        sides = images.sides(image_size) if image_size is not None else (height, width)
        return sides == shape[:2] and (channels or depth) in (1, shape[2])


class PictureReader:
    """Reads pictures and brings them to the shape of the first.

    Args:
      pictures: all that will be read; the header of each is checked now.
      image_size, channels: what every image is brought to, as by `images.decode`.

    Raises:
      InputError: a picture that cannot be read by its header, or is unlike the first.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        image_size: images.Size | None,
        channels: int | None,
    ):
        self._options = (image_size, channels)
        self.shape = pictures[0].read(*self._options).shape
        for picture in pictures:
            if not picture.announces(self.shape, *self._options):
                self(picture)  # an EXIF tag may turn it, or this says what is wrong

    def __call__(self, picture: Picture) -> np.ndarray:
        """`[H, W, C]` uint8.

        Raises:
          InputError: the picture cannot be read, or is unlike the first.
        """
        x = picture.read(*self._options)
        if x.shape[2] < self.shape[2]:
            x = np.repeat(x, self.shape[2], axis=2)
        if x.shape != self.shape:
            raise InputError(
                f"image {picture.file} has shape {x.shape} and the first one {self.shape};"
                " set image_size and channels to bring all to one shape"
            )
        return x


def list_images(place: pathlib.Path, deep: bool = True) -> list[pathlib.Path]:
    """Image files below a folder, or in it alone, by their endings, sorted; no hidden ones.

    Raises:
      InputError: there are none.
    """
    found, others = files_below(place, images.SUFFIXES, deep)
    if found:
        return found
    held = f"{len(others)} other files, {others[0].name} first" if others else "nothing"
    raise InputError(
        f"{place} holds no images and {held}; endings read are"
        f" {', '.join(sorted(images.SUFFIXES))}"
    )


def left_out(
    root: pathlib.Path, used: Iterable[pathlib.Path], unreadable: int
) -> dict[str, int]:
    """What lies below a folder and is no example -> how many: files by their endings, images that
    cannot be read, and images in no split."""
    found, others = files_below(root, images.SUFFIXES)
    counts = {UNREADABLE: unreadable, UNUSED: _apart(found, used)}
    endings = Counter(path.suffix.lower() or "no ending" for path in others)
    counts |= dict(sorted(endings.items()))
    return {what: count for what, count in counts.items() if count}


def _apart(found: Iterable[pathlib.Path], used: Iterable[pathlib.Path]) -> int:
    """How many of the found files are none of the used, by whichever link they were reached."""
    used = set(used)
    if not (others := set(found) - used):
        return 0
    real = set(map(os.path.realpath, used))
    return sum(os.path.realpath(path) not in real for path in others)


def readable(
    entries: Sequence[Entry], files: Callable[[Entry], Iterable[pathlib.Path]]
) -> list[Entry]:
    """The entries whose files can all be decoded, which is tried; logs how many cannot.

    Args:
      entries: anything that stands for image files.
      files: those that an entry stands for.
    """
    kept = [entry for entry in entries if all(map(_decodes, files(entry)))]
    if dropped := len(entries) - len(kept):
        log.warning("skipped %d of %d: cannot be read", dropped, len(entries))
    return kept


@dataclass(frozen=True)
class Divided(Generic[Entry]):
    """What was found in folders, as the three splits.

    Attributes:
      splits: the entries of each.
      unreadable: how many entries were left out.
    """

    splits: dict[str, list[Entry]]
    unreadable: int


def divide(
    name: str,
    found: Mapping[str, Mapping[str, Entry]],
    files: Callable[[Entry], Iterable[pathlib.Path]],
    *,
    skip_unreadable: bool,
    validation_fraction: float,
    test_fraction: float,
) -> Divided[Entry]:
    """The three splits of what was found in folders; those without one are carved from train.

    An entry is held out by its own name (see `files.held_out`), test first.

    Args:
      name: what messages call the data.
      found: entries of the splits that have folders, train among them, by their names.
      files: those that an entry stands for.
      skip_unreadable: decodes every file and leaves out entries with one that cannot be read.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: a split of which nothing can be read, or a fraction outside [0, 1).
    """
    fractions = {"test": test_fraction, "validation": validation_fraction}
    kept = {split: dict(part) for split, part in found.items()}
    if skip_unreadable:
        for split, part in kept.items():
            whole = readable(list(part.items()), lambda item: files(item[1]))
            kept[split] = dict(whole)
    if bare := [split for split, part in kept.items() if not part]:
        raise InputError(f"{name} has nothing in {bare[0]} that can be read")
    unreadable = sum(map(len, found.values())) - sum(map(len, kept.values()))
    for split, fraction in fractions.items():
        if split not in kept:
            names = list(kept["train"])
            held = held_out(names, fraction, split)
            out = {key for key, is_held in zip(names, held, strict=True) if is_held}
            train = kept["train"]
            kept[split] = {key: train[key] for key in names if key in out}
            kept["train"] = {key: train[key] for key in names if key not in out}
    splits = {split: list(kept[split].values()) for split in SPLITS}
    return Divided(splits, unreadable)


def _decodes(file: pathlib.Path) -> bool:
    try:
        images.decode(file, image_size=None, channels=None, name=str(file))
    except images.UnreadableImage:
        return False
    return True
