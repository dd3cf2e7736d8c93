"""Two domains of images that lie in records, split by split."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from genlab.data.alignment import align
from genlab.data.dataset import SPLITS, Dataset, carve_missing
from genlab.data.files import Files
from genlab.data.split import Records, RecordSplit
from genlab.errors import InputError


class DomainRecords(Records):
    """An x and a y for each index, from two sources.

    Args:
      sources: of x and of y.
      rows: which of their records belong together, `[N, 2]`.
    """

    def __init__(self, sources: tuple[Records, Records], rows: np.ndarray):
        self._sources, self._rows = sources, rows

    def read(self, indices: list[int]) -> list[dict]:
        columns = self._rows[indices].T.tolist()
        sides = [
            source.read(column)
            for source, column in zip(self._sources, columns, strict=True)
        ]
        return [{"x": a["x"], "y": b["x"]} for a, b in zip(*sides, strict=True)]


def two_domains(
    name: str,
    records: Callable[[str], Records],
    sizes: Mapping[str, int],
    *,
    shape: tuple[int, int, int],
    validation_fraction: float,
    test_fraction: float,
    files: Files | None = None,
) -> Dataset:
    """The unpaired data set of the splits `trainA` and `trainB`, with `testA` and `testB`.

    An epoch sees every image of the larger domain once. In training, images of one place in the two
    sources do not meet, since some sources hold pairs; which two meet stays the same in every epoch.
    What is not there is an even spread of train's; nothing is said to be a pair.

    Args:
      name: of the data set.
      records: split of the source -> its examples, with `x: [H, W, C]` uint8.
      sizes: split of the source -> number of its examples.
      shape: (H, W, C) of every image.
      validation_fraction: share of train held out where there is no `validationA`.
      test_fraction: the same for test.
      files: those that the records lie in.

    Raises:
      InputError: a domain without training images.
    """
    fractions = {
        "validation_fraction": validation_fraction,
        "test_fraction": test_fraction,
    }
    sides = [_rows_of(name, side, sizes, fractions) for side in "AB"]
    splits = {}
    for split in SPLITS:
        (origin_x, xs), (origin_y, ys) = (side[split] for side in sides)
        places = align(xs.tolist(), ys.tolist(), apart=split == "train")
        rows = np.stack([xs[places[:, 0]], ys[places[:, 1]]], axis=1)
        source = DomainRecords((records(origin_x), records(origin_y)), rows)
        splits[split] = RecordSplit(
            source, np.arange(len(rows)), example_bytes=2 * math.prod(shape)
        )
    return Dataset(
        name=name,
        splits=splits,
        example_shape=shape,
        target_shape=shape,
        paired=False,
        files=files,
    )


def _rows_of(
    name: str, side: str, sizes: Mapping[str, int], fractions: Mapping[str, float]
) -> dict[str, tuple[str, np.ndarray]]:
    """For each split the source's split and the rows of it."""
    found = {
        split: np.arange(sizes[split + side])
        for split in SPLITS
        if sizes.get(split + side)
    }
    if "train" not in found:
        raise InputError(
            f"{name} has splits {', '.join(sizes)}; two domains need images in trainA and trainB"
        )
    rows = carve_missing(found, **fractions)
    return {
        split: ((split if split in found else "train") + side, rows[split])
        for split in SPLITS
    }
