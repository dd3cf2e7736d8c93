"""Frechet distance of two sets of features, as if both were Gaussian."""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from genlab.errors import InputError
from genlab.statistics import standard_error

_RANK = 1e-6  # of the largest singular value, below which one is rounding


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What features are taken to be drawn from.

    Attributes:
      mean: [F] float64.
      covariance: [F, F] float64, symmetric.
      count: examples that it was made from.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int

    @functools.cached_property
    def root(self) -> np.ndarray:
        """The symmetric root of the covariance, [F, F]."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and scatter of some examples, in float64; those of two batches merge into those of both.

    Attributes:
      count: examples.
      mean: [F].
      scatter: sum of the outer products of the deviations from the mean, [F, F].
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Self:
        """Of a batch `features: [N, F]`."""
        features = np.asarray(features, np.float64)
        mean = features.mean(0)
        gaps = features - mean
        return cls(len(features), mean, gaps.T @ gaps)

    def merge(self, other: "Moments") -> "Moments":
        """The moments of the examples of both.

        Paper: Chan, Golub & LeVeque 1983, The American Statistician 37:242-247
        """
        count, gap = self.count + other.count, other.mean - self.mean
        share = other.count / count
        between = self.count * share * np.outer(gap, gap)
        return Moments(
            count, self.mean + share * gap, self.scatter + other.scatter + between
        )

    def finish(self) -> Gaussian:
        """Mean and unbiased covariance.

        Raises:
          InputError: fewer than two examples have no covariance.
        """
        if self.count < 2:
            raise InputError(
                f"a covariance needs 2 examples or more, not {self.count}; ask for more"
            )
        return Gaussian(self.mean, self.scatter / (self.count - 1), self.count)


def moments_of(batches: Iterable[np.ndarray]) -> Gaussian:
    """The Gaussian of batches of features `[N, F]`, one or more."""
    return functools.reduce(Moments.merge, map(Moments.of, batches)).finish()


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """||m - n||^2 + Tr(S + T - 2 (S T)^(1/2)) of two Gaussians with means m, n.

    The last trace is the sum of the singular values of S^(1/2) T^(1/2), of symmetric roots: it is
    real, not negative, and of equal Gaussians Tr(S) to rounding, whatever their rank.

    Returns:
      The distance, 0 or more, in the squared unit of the features.

    Paper: Dowson & Landau 1982, J. Multivariate Analysis 12; Heusel et al. 2017, arXiv:1706.08500
    """
    overlap = np.linalg.svd(one.root @ other.root, compute_uv=False).sum()
    gap = np.square(one.mean - other.mean).sum()
    spread = np.trace(one.covariance) + np.trace(other.covariance)
    return float(max(gap + spread - 2 * overlap, 0.0))


def frechet_error(features: np.ndarray, other: Gaussian) -> float:
    """Standard error of the distance of `features: [N, F]` to a Gaussian, which is taken as it is: the deviation of
    `frechet_influence` over the root of N. Near the floor, where the distance is of second order, it is up to a root of
    2 too large.

    Returns:
      The error, in the squared unit of the features.
    """
    return standard_error(frechet_influence(features, other))


def frechet_influence(features: np.ndarray, other: Gaussian) -> np.ndarray:
    """What each of `features: [N, F]` adds to their distance to a Gaussian by weighing more, [N].

    It is the infinitesimal jackknife: an example x at c = x - m of the mean weighs

      2 c.(m - n) + c.c - c.(T^(1/2) (T^(1/2) S T^(1/2))^(-1/2) T^(1/2)) c,

    the derivative of the distance by its weight.

    Paper: Efron & Stein 1981, Annals of Statistics 9:586-596
    """
    one = moments_of([features])
    _, values, axes = np.linalg.svd(one.root @ other.root)
    # Few examples span few directions; what lies in the others is rounding.
    spanned = values > _RANK * values[0]
    gaps = np.asarray(features, np.float64) - one.mean
    along = gaps @ other.root @ axes[spanned].T
    return (
        2 * gaps @ (one.mean - other.mean)
        + np.square(gaps).sum(1)
        - (np.square(along) / values[spanned]).sum(1)
    )


def rank_warning(width: int, *counts: int) -> dict[str, str]:
    """What a protocol says of covariances of `width` features that the smallest of the counts of
    images cannot determine; empty where it can."""
    short = min(counts)
    if short > width:
        return {}
    return {
        "warning": f"{short} images leave a covariance of {width} features with a rank of"
        f" {short - 1} at most; compare distances with their floor alone, or take more images"
    }


def frechet_at_infinity(
    features: np.ndarray, other: Gaussian, sizes: Sequence[int], seed: int = 0
) -> tuple[float, float]:
    """The distance that infinitely many examples would have: a + b / N fitted to N examples.

    A distance of N examples is too large by about b / N, and by another b for every model.

    Args:
      features: [N, F].
      other: the reference, taken as it is.
      sizes: counts of examples, three or more, of which each is drawn without replacement.
      seed: of the draws.

    Returns:
      a, which may fall below 0, and its standard error. The scatter around the line is that of draws
      from one set of examples; what other examples would have changed is `frechet_error`.

    Raises:
      InputError: fewer than three sizes, or one that the features do not have.

    Paper: Chong & Forsyth 2020, arXiv:1911.07023, on random instead of Sobol points
    """
    from scipy import stats

    if len(set(sizes)) < 3 or min(sizes) < 2 or max(sizes) > len(features):
        raise InputError(
            f"sizes={list(sizes)} are not 3 counts or more between 2 and the {len(features)}"
            " examples; a line is fitted to the distances of so many"
        )
    generator = np.random.default_rng(seed)
    draws = [generator.choice(len(features), size, replace=False) for size in sizes]
    found = [frechet_distance(moments_of([features[rows]]), other) for rows in draws]
    line = stats.linregress(1 / np.asarray(sizes, np.float64), found)
    error = math.hypot(line.intercept_stderr, frechet_error(features, other))
    return float(line.intercept), error
