"""Maximum mean discrepancy of two sets of features: KID's polynomial kernel, and the Gaussian one."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genlab.distances.neighbours import row_blocks, squared_distances
from genlab.errors import InputError
from genlab.statistics import standard_error

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]  # [N, F], [M, F] -> [N, M]

MOST = 1000  # examples that a median distance is taken of


def polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x.y / F + 1)^3, `[N, M]` of `x: [N, F]` and `y: [M, F]`."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian(bandwidth: float) -> Kernel:
    """exp(-||x - y||^2 / (2 bandwidth^2)), bandwidth in the unit of the features."""
    return lambda x, y: np.exp(-squared_distances(x, y) / (2 * bandwidth**2))


@dataclass(frozen=True)
class Discrepancy:
    """An unbiased squared discrepancy, which may fall below 0, and its standard error."""

    value: float
    error: float


def squared_discrepancy(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> Discrepancy:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), over pairs of different examples; unbiased.

    The error is that of the delete-one jackknife over `x`; `y`, the reference, is taken as it is.

    Args:
      x: [N, F], 2 or more, in float64 inside.
      y: [M, F], 2 or more.
      kernel: of examples of both.

    Paper: Gretton et al. 2012, JMLR 13:723-773, equation 3
    """
    x, y = _pair(x, y)
    among_x, mean_x = _means_among(x, kernel)
    _, mean_y = _means_among(y, kernel)
    between = np.concatenate([kernel(rows, y).mean(1) for rows in row_blocks(x, y)])
    value = mean_x + mean_y - 2 * between.mean()
    count = len(x)
    if count < 3:
        return Discrepancy(float(value), float("nan"))
    # Without example i: the mean over the pairs that are left, and over the rows that are left.
    left = (count * mean_x - 2 * among_x) / (count - 2)
    left = left - 2 * (count * between.mean() - between) / (count - 1)
    error = np.sqrt((count - 1) / count * np.square(left - left.mean()).sum())
    return Discrepancy(float(value), float(error))


def kernel_inception_distance(
    x: np.ndarray, y: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> Discrepancy:
    """The mean of `kid_subsets`, whose arguments these are, and its standard error.

    Two things add up in the error: that other examples `x` could have been there, by the jackknife, and
    that other subsets of them could have been drawn. NaN for one subset.

    Paper: Binkowski et al. 2018, arXiv:1801.01401
    """
    found = kid_subsets(x, y, subsets=subsets, size=size, seed=seed)
    of_examples = squared_discrepancy(x, y, polynomial).error
    return Discrepancy(
        float(found.mean()), math.hypot(of_examples, standard_error(found))
    )


def kid_subsets(
    x: np.ndarray, y: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> np.ndarray:
    """The squared discrepancy by the polynomial kernel of each of `subsets` draws of both, [subsets].

    They share examples, so that their deviation alone is no standard error of their mean.

    Args:
      x: [N, F].
      y: [M, F].
      subsets: how many.
      size: examples of each in a subset, drawn without replacement.
      seed: of the draws.

    Raises:
      InputError: fewer examples than a subset has.

    Paper: Binkowski et al. 2018, arXiv:1801.01401
    """
    x, y = _pair(x, y)
    if not 2 <= size <= min(len(x), len(y)):
        raise InputError(
            f"a subset of {size} is not between 2 and the {min(len(x), len(y))} examples that"
            " there are of each; ask for more, or for smaller subsets"
        )
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(subsets):
        ours = x[generator.choice(len(x), size, replace=False)]
        theirs = y[generator.choice(len(y), size, replace=False)]
        _, mean_x = _means_among(ours, polynomial)
        _, mean_y = _means_among(theirs, polynomial)
        found.append(mean_x + mean_y - 2 * polynomial(ours, theirs).mean())
    return np.array(found)


def median_bandwidth(y: np.ndarray) -> float:
    """The median distance between two examples of `y: [M, F]`, of MOST drawn where there are more.

    Paper: Gretton et al. 2012, JMLR 13:723-773, section 8
    """
    y = np.asarray(y, np.float64)
    if len(y) > MOST:
        y = y[np.random.default_rng(0).choice(len(y), MOST, replace=False)]
    apart = squared_distances(y, y)[np.triu_indices(len(y), 1)]
    return float(np.sqrt(np.median(apart)))


def _means_among(x: np.ndarray, kernel: Kernel) -> tuple[np.ndarray, float]:
    """Of each example the mean kernel to the others, [N], and the mean over all pairs."""
    rows, first = [], 0
    for block in row_blocks(x, x):
        values = kernel(block, x)
        own = values[np.arange(len(block)), first + np.arange(len(block))]
        rows.append((values.sum(1) - own) / (len(x) - 1))
        first += len(block)
    means = np.concatenate(rows)
    return means, float(means.mean())


def _pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if min(len(x), len(y)) < 2:
        raise InputError(
            f"a discrepancy needs 2 examples or more of each, not {len(x)} and {len(y)}"
        )
    return np.asarray(x, np.float64), np.asarray(y, np.float64)
