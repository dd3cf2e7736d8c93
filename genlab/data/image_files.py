"""Image files: where they lie, which can be read, and one shape for all."""

import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genlab.data import images
from genlab.data.dataset import Entry, carve_lists
from genlab.errors import InputError

log = logging.getLogger(__name__)

SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}


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


def find_place(root: pathlib.Path, split: str, suffix: str = "") -> pathlib.Path | None:
    """The folder of a split, `trainA` for the suffix A; None where there is none."""
    names = (name + suffix for name in SPLIT_NAMES[split])
    return next((root / name for name in names if (root / name).is_dir()), None)


def images_in(place: pathlib.Path) -> list[pathlib.Path]:
    """Image files of a folder by their endings, sorted by name; hidden ones are passed over."""
    return sorted(
        entry
        for entry in place.iterdir()
        if entry.suffix.lower() in images.SUFFIXES and not entry.name.startswith(".")
    )


def list_images(place: pathlib.Path) -> list[pathlib.Path]:
    """As `images_in`.

    Raises:
      InputError: there are none.
    """
    if found := images_in(place):
        return found
    raise InputError(
        f"{place} holds no images; endings read are"
        f" {', '.join(sorted(images.SUFFIXES))}"
    )


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


def divide(
    name: str,
    found: Mapping[str, Sequence[Entry]],
    files: Callable[[Entry], Iterable[pathlib.Path]],
    *,
    skip_unreadable: bool,
    validation_fraction: float,
    test_fraction: float,
) -> tuple[dict[str, list[Entry]], int]:
    """The three splits of what was found in folders, and how many entries were left out.

    Args:
      name: what messages call the data.
      found: entries of the splits that have folders, train among them.
      files: those that an entry stands for.
      skip_unreadable: decodes every file and leaves out entries with one that cannot be read.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: a split of which nothing can be read.
    """
    kept = found
    if skip_unreadable:
        kept = {split: readable(part, files) for split, part in found.items()}
    if bare := [split for split, part in kept.items() if not part]:
        raise InputError(f"{name} has nothing in {bare[0]} that can be read")
    splits = carve_lists(
        kept, validation_fraction=validation_fraction, test_fraction=test_fraction
    )
    return splits, sum(map(len, found.values())) - sum(map(len, kept.values()))


def _decodes(file: pathlib.Path) -> bool:
    try:
        images.decode(file, image_size=None, channels=None, name=str(file))
    except images.UnreadableImage:
        return False
    return True
