"""What the examples of a data set are like, for models that start from it."""

import functools

import numpy as np

from genlab.data.dataset import Dataset, golden_order
from genlab.data.facts import AbsentSplit
from genlab.data.prepare import Preparation

CHUNK = 1000  # raw examples read at a time
SEEN = 10_000  # examples that a mean is of, at most


@functools.lru_cache(maxsize=4)  # every member of a population asks for it
def example_mean(data: Dataset) -> np.ndarray:
    """Mean of the train split, an even spread of at most SEEN examples: [*example_shape] float32.

    Images count in [0, 1], whatever range they are prepared in; points as they are.
    """
    split = data.splits["train"]
    if isinstance(split, AbsentSplit):
        return (
            np.zeros(data.example_shape, np.float32)
            if split.mean is None
            else split.mean
        )
    rows = golden_order(split.size)[:SEEN].astype(np.int32)
    total = np.zeros(data.example_shape)
    for first in range(0, len(rows), CHUNK):
        x = split.gather(rows[first : first + CHUNK])["x"]
        total += x.sum(axis=0, dtype=np.float64)
    unit = 255 if x.dtype == np.uint8 else 1
    return (total / (unit * len(rows))).astype(np.float32)


def example_range(data: Dataset, preparation: Preparation) -> tuple[float, float]:
    """The least and the greatest value of prepared examples.

    Of images it is the range that they are prepared in, of points that of the train split.
    """
    split = data.splits["train"]
    if isinstance(split, AbsentSplit):
        return split.span
    low, high = np.inf, -np.inf
    for first in range(0, split.size, CHUNK):
        rows = np.arange(first, min(first + CHUNK, split.size), dtype=np.int32)
        x = split.gather(rows)["x"]
        if x.dtype == np.uint8:
            return tuple(float(edge) for edge in preparation.value_range)
        low, high = min(low, float(x.min())), max(high, float(x.max()))
    return low, high
