"""Sets of features as unions of balls: precision, recall, density and coverage."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError

BLOCK = 2**22  # distances that are held at a time


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """||x - y||^2, `[N, M]` float64, of `x: [N, F]` and `y: [M, F]`."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    centre = y.mean(0)  # or a large mean would cost digits
    x, y = x - centre, y - centre
    lengths = np.square(x).sum(1)[:, None] + np.square(y).sum(1)[None, :]
    return np.maximum(lengths - 2 * (x @ y.T), 0)


def row_blocks(x: np.ndarray, y: np.ndarray) -> Iterator[np.ndarray]:
    """`x: [N, F]` in parts of so many rows that all pairs with `y: [M, F]` can be held."""
    rows = max(1, BLOCK // len(y))
    for first in range(0, len(x), rows):
        yield x[first : first + rows]


def nearest(x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` examples of `y` nearest to each of `x`: squared distances and indices, `[N, k]` each,
    the nearest first."""
    _check_count(len(y), k)
    found = []
    for rows in row_blocks(x, y):
        apart = squared_distances(rows, y)
        near = np.argpartition(apart, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(apart, near, 1), axis=1, kind="stable")
        near = np.take_along_axis(near, order, 1)
        found.append((np.take_along_axis(apart, near, 1), near))
    distances, indices = zip(*found, strict=True)
    return np.concatenate(distances), np.concatenate(indices)


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each of `x: [N, F]` to its k-th nearest other example, [N]."""
    _check_count(len(x) - 1, k)
    found, first = [], 0
    for rows in row_blocks(x, x):
        apart = squared_distances(rows, x)
        apart[np.arange(len(rows)), first + np.arange(len(rows))] = -1  # itself
        found.append(np.partition(apart, k, axis=1)[:, k])
        first += len(rows)
    return np.concatenate(found)


@dataclass(frozen=True)
class Neighbourhoods:
    """Who lies in whose ball; the ball of an example reaches to the k-th nearest of its own set.

    Attributes:
      inside: whether a sample lies in the ball of a real example, [M] bool; precision is its mean.
      reached: whether a real example lies in the ball of a sample, [N] bool; recall is its mean.
      crowd: real balls that a sample lies in over k, [M]; density is its mean, which may exceed 1.
      covered: whether a sample lies in the ball of a real example, [N] bool; coverage is its mean.
    """

    inside: np.ndarray
    reached: np.ndarray
    crowd: np.ndarray
    covered: np.ndarray


def neighbourhoods(real: np.ndarray, samples: np.ndarray, k: int) -> Neighbourhoods:
    """The neighbourhoods of `real: [N, F]` and `samples: [M, F]`.

    Raises:
      InputError: no more than `k` examples of either.

    Papers: Kynkaanniemi et al. 2019, arXiv:1904.06991 (precision and recall);
      Naeem et al. 2020, arXiv:2002.09797 (density and coverage)
    """
    reach, reach_of_samples = radii(real, k), radii(samples, k)
    crowd, reached = np.zeros(len(samples)), []
    covered = []
    for rows, radius in zip(
        row_blocks(real, samples), row_blocks(reach, samples), strict=True
    ):
        apart = squared_distances(rows, samples)
        held = apart <= radius[:, None]
        crowd += held.sum(0)
        covered.append(held.any(1))
        reached.append((apart <= reach_of_samples[None, :]).any(1))
    return Neighbourhoods(
        crowd > 0, np.concatenate(reached), crowd / k, np.concatenate(covered)
    )


def _check_count(count: int, k: int) -> None:
    if count < k:
        raise InputError(
            f"k={k} nearest of {count} examples; ask for more of them, or a smaller k"
        )
