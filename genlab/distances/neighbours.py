"""Sets of features as unions of balls: precision, recall, density and coverage."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
    found = [_least(squared_distances(rows, y), k) for rows in row_blocks(x, y)]
    distances, indices = zip(*found, strict=True)
    return np.concatenate(distances), np.concatenate(indices)


def others(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` other examples nearest to each of `x: [N, F]`: squared distances and indices, `[N, k]` each,
    the nearest first."""
    _check_count(len(x) - 1, k)
    found, first = [], 0
    for rows in row_blocks(x, x):
        apart = squared_distances(rows, x)
        apart[np.arange(len(rows)), first + np.arange(len(rows))] = np.inf  # itself
        found.append(_least(apart, k))
        first += len(rows)
    distances, indices = zip(*found, strict=True)
    return np.concatenate(distances), np.concatenate(indices)


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each of `x: [N, F]` to its k-th nearest other example, [N]."""
    return others(x, k)[0][:, -1]


@dataclass(frozen=True)
class Neighbourhoods:
    """Who lies in whose ball; the ball of an example reaches to the k-th nearest of its own set.

    Errors are those of means over the real examples, as if the samples were drawn anew: by the jackknife, whose
    every set of one sample less has balls of its own. They are NaN of k + 1 samples.

    Attributes:
      inside: whether a sample lies in the ball of a real example, [M] bool; precision is its mean.
      reached: whether a real example lies in the ball of a sample, [N] bool; recall is its mean.
      reached_error: standard error of recall.
      crowd: real balls that a sample lies in over k, [M]; density is its mean, which may exceed 1.
      covered: whether a sample lies in the ball of a real example, [N] bool; coverage is its mean.
      covered_error: standard error of coverage.
    """

    inside: np.ndarray
    reached: np.ndarray
    reached_error: float
    crowd: np.ndarray
    covered: np.ndarray
    covered_error: float


def neighbourhoods(real: np.ndarray, samples: np.ndarray, k: int) -> Neighbourhoods:
    """The neighbourhoods of `real: [N, F]` and `samples: [M, F]`.

    Raises:
      InputError: no more than `k` examples of either.

    Papers: Kynkaanniemi et al. 2019, arXiv:1904.06991 (precision and recall);
      Naeem et al. 2020, arXiv:2002.09797 (density and coverage); Efron & Stein 1981, Ann. Stat. 9:586-596 (jackknife)
    """
    reach = radii(real, k)
    away, near = others(samples, min(k + 1, len(samples) - 1))
    _check_count(near.shape[1], k)
    ball, wider = away[:, k - 1], away[:, -1]
    held_by = _indicator(near[:, :k])  # whose removal lets a ball grow
    crowd, reached, covered = np.zeros(len(samples)), [], []
    uncovered, unreached = np.zeros(len(samples)), np.zeros(len(samples))
    for rows, radius in zip(
        row_blocks(real, samples), row_blocks(reach, samples), strict=True
    ):
        apart = squared_distances(rows, samples)
        held = apart <= radius[:, None]
        crowd += held.sum(0)
        covered.append(held.any(1))
        uncovered += held[held.sum(1) == 1].sum(0)
        inside = apart <= ball
        reached.append(inside.any(1))
        unreached += _lost(inside, apart <= wider, held_by)
    error = lambda lost: _jackknife(lost / len(real)) if len(lost) > k + 1 else math.nan
    return Neighbourhoods(
        inside=crowd > 0,
        reached=np.concatenate(reached),
        reached_error=error(unreached),
        crowd=crowd / k,
        covered=np.concatenate(covered),
        covered_error=error(uncovered),
    )


def _lost(inside: np.ndarray, within: np.ndarray, held_by: Any) -> np.ndarray:
    """How many real examples fewer are reached without each of the samples, [M].

    Args:
      inside: whether a real example lies in a sample's ball, [N, M].
      within: whether it lies in the ball to the next sample, [N, M].
      held_by: whether a ball, a row, ends further without a sample, a column; sparse [M, M].
    """
    from scipy import sparse

    count = inside.sum(1)
    grown = lambda rows: (sparse.csr_matrix(within[rows]) @ held_by).astype(bool)
    alone = inside[count == 1]
    still = grown(count == 1).multiply(alone)  # reached by another ball, which grows
    gained = grown(count == 0)
    sums = [np.asarray(each.sum(0), np.float64).ravel() for each in (still, gained)]
    return alone.sum(0) - sums[0] - sums[1]


def _indicator(columns: np.ndarray) -> Any:
    """A sparse [M, M] matrix of ones in `columns: [M, k]` of each row."""
    from scipy import sparse

    count, k = columns.shape
    starts = np.arange(count + 1) * k
    ones = np.ones(count * k)
    return sparse.csr_matrix((ones, columns.ravel(), starts), (count, count))


def _jackknife(lost: np.ndarray) -> float:
    """Standard error of a value from what it loses without each of the M examples, [M]."""
    return float(np.sqrt((len(lost) - 1) * lost.var()))


def _least(apart: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` least of each row and where they are, in order."""
    near = np.argpartition(apart, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(apart, near, 1), axis=1, kind="stable")
    near = np.take_along_axis(near, order, 1)
    return np.take_along_axis(apart, near, 1), near


def _check_count(count: int, k: int) -> None:
    if count < k:
        raise InputError(
            f"k={k} nearest of {count} examples; ask for more of them, or a smaller k"
        )
