"""Images of two domains in files: an x and a y for every example."""

import math
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from genlab.data import images
from genlab.data.dataset import SPLITS, Dataset
from genlab.data.files import Files
from genlab.data.image_files import Picture, PictureReader
from genlab.data.split import Records, RecordSplit
from genlab.errors import InputError

DIRECTIONS = ("a_to_b", "b_to_a")

Pair = tuple[Picture, Picture]


class PairRecords(Records):
    """Pairs of pictures, as the readers of x and of y give them."""

    def __init__(self, pairs: list[Pair], readers: tuple[PictureReader, PictureReader]):
        self._pairs, self._readers = pairs, readers

    def read(self, indices: list[int]) -> list[dict]:
        return [
            {
                name: reader(picture)
                for name, reader, picture in zip(
                    "xy", self._readers, self._pairs[index], strict=True
                )
            }
            for index in indices
        ]


def dataset_of(
    name: str,
    pairs: dict[str, list[Pair]],
    *,
    image_size: images.Size | None,
    channels: int | None,
    paired: bool,
    files: Files,
    left_out: Mapping[str, int],
) -> Dataset:
    """The data set of the pairs of each split, the train split's first pair giving the shapes.

    Raises:
      InputError: no training pairs, or a picture that `PictureReader` refuses.
    """
    if not pairs["train"]:
        raise InputError(
            f"{name} has no training images; a validation_fraction and a test_fraction"
            " below 1 leave some"
        )
    listed = [pair for split in SPLITS for pair in pairs[split]]
    readers = tuple(
        PictureReader(list(dict.fromkeys(side)), image_size, channels)
        for side in zip(*listed, strict=True)
    )
    x, y = (reader.shape for reader in readers)
    example_bytes = math.prod(x) + math.prod(y)
    return Dataset(
        name=name,
        splits={
            split: RecordSplit(
                PairRecords(part, readers),
                np.arange(len(part)),
                example_bytes=example_bytes,
            )
            for split, part in pairs.items()
        },
        example_shape=x,
        target_shape=y,
        paired=paired,
        left_out=left_out,
        files=files,
    )


def files_of(root: pathlib.Path, entries: Iterable[Iterable[Picture]]) -> Files:
    """The files that pictures lie in, each once."""
    paths = {picture.file for pictures in entries for picture in pictures}
    return Files(root, tuple(sorted(paths)))


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
