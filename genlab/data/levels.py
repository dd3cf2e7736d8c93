"""The whole levels that the bytes of images lie on."""

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.facts import AbsentSplit

FEW = 20  # images that are looked at


def some_bytes(dataset: Dataset) -> np.ndarray | None:
    """The bytes in a few training images spread over their split, each once, [N] uint8; None where these are not here."""
    train = dataset.splits["train"]
    if not dataset.is_image or isinstance(train, AbsentSplit):
        return None
    few = np.linspace(0, train.size - 1, min(FEW, train.size))
    return np.unique(train.gather(few.astype(np.int64))["x"])


def lie_on(shares: np.ndarray, count: int) -> bool:
    """Whether numbers in [0, 1] that were rounded to bytes lie on `count` levels, spread evenly over it, its ends
    among them. Bytes lie on 256."""
    places = np.asarray(shares, np.float64) * (count - 1)
    rounding = (count - 1) / 255 / 2
    return bool(np.abs(places - np.round(places)).max() <= rounding + 1e-3)
