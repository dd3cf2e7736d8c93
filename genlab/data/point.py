"""The distribution of one point, which the Dirac-GAN has to find."""

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.split import ArraySplit
from genlab.numbers import Coordinate, Count
from genlab.registry import datasets


@datasets.register
def point(*, value: Coordinate = 0.0, size: Count = 64) -> Dataset:
    """`size` examples in every split, all of them `value`, [1].

    Args:
      value: where the mass lies.
      size: of each split.

    Paper: Mescheder et al. 2018, arXiv:1801.04406, section 2
    """
    x = np.full((size, 1), value, np.float32)
    splits = {name: ArraySplit({"x": x}) for name in ("train", "validation", "test")}
    return Dataset("point", splits, example_shape=(1,))
