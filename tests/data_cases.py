"""What the tests of data share: a split that says its indices, and sets built by name."""

import pathlib

import numpy as np
import pytest

from genlab.data.dataset import Dataset
from genlab.data.split import ArraySplit, Records
from genlab.errors import InputError
from genlab.registry import datasets

SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"


def build(name, **knobs):
    return datasets.build(name, **knobs)()


def all_of(data, split="train"):
    part = data.splits[split]
    return part.gather(np.arange(part.size))


def refused(match, name, **knobs):
    with pytest.raises(InputError, match=match) as caught:
        data = build(name, **knobs)
        all_of(data)
    assert "\n" not in str(caught.value)


def numbered(size: int) -> dict[str, np.ndarray]:
    """Images [size, 2, 2, 1] whose pixels all hold their index, with labels."""
    index = np.arange(size)
    x = np.broadcast_to(index[:, None, None, None], (size, 2, 2, 1)).astype(np.uint8)
    return {"x": x, "label": (index % 3).astype(np.int32)}


def dataset_of(train, name="numbered") -> Dataset:
    empty = ArraySplit({"x": np.zeros((0, 2, 2, 1), np.uint8)})
    splits = {"train": train, "validation": empty, "test": empty}
    return Dataset(name, splits, (2, 2, 1))


class Numbers(Records):
    """As `numbered`, read one by one."""

    def read(self, indices):
        return [
            {"x": np.full((2, 2, 1), i, np.uint8), "label": np.int32(i % 3)}
            for i in indices
        ]
