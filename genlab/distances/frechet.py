"""Frechet distance of two sets of features, as if both were Gaussian."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from genlab.errors import InputError


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


@dataclass
class Moments:
    """Mean and covariance of features that arrive in batches, in float64; two of them merge.

    Deviations are summed around the mean of the first batch, so that a large mean costs no digits.
    """

    count: int = 0
    _centre: np.ndarray | None = None
    _sum: np.ndarray | None = None
    _squares: np.ndarray | None = None

    def add(self, features: np.ndarray) -> Self:
        """Takes in `features: [N, F]`."""
        features = np.asarray(features, np.float64)
        if self._centre is None:
            width = features.shape[1]
            self._centre = features.mean(0)
            self._sum, self._squares = np.zeros(width), np.zeros((width, width))
        gaps = features - self._centre
        self.count += len(gaps)
        self._sum += gaps.sum(0)
        self._squares += gaps.T @ gaps
        return self

    def merge(self, other: "Moments") -> "Moments":
        """The moments of the examples of both."""
        if not (self.count and other.count):
            return self if self.count else other
        # The sums of `other` around the centre of this one.
        shift = other._centre - self._centre
        cross = np.outer(other._sum, shift)
        moved = other._squares + cross + cross.T + other.count * np.outer(shift, shift)
        return Moments(
            self.count + other.count,
            self._centre,
            self._sum + other._sum + other.count * shift,
            self._squares + moved,
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
        mean = self._sum / self.count
        scatter = self._squares - self.count * np.outer(mean, mean)
        return Gaussian(self._centre + mean, scatter / (self.count - 1), self.count)


def moments_of(batches: Iterable[np.ndarray]) -> Gaussian:
    """The Gaussian of batches of features `[N, F]`."""
    moments = Moments()
    for features in batches:
        moments.add(features)
    return moments.finish()


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


def rank_warning(*gaussians: Gaussian) -> dict[str, str]:
    """What a protocol says of covariances that so few examples cannot determine; else empty."""
    short = min(gaussians, key=lambda one: one.count)
    width = len(short.mean)
    if short.count > width:
        return {}
    return {
        "warning": f"{short.count} images leave a covariance of {width} features with a rank of"
        f" {short.count - 1} at most; compare distances with their floor alone, or take more images"
    }


def bootstrap_deviation(features: np.ndarray, other: Gaussian, resamples: int) -> float:
    """Standard deviation of the distance of `features: [N, F]` to a Gaussian, by resampling them.

    The distance of a resample is larger, since it holds copies; how much it varies is what is asked.

    Returns:
      NaN for fewer than two resamples.
    """
    generator, count = np.random.default_rng(0), len(features)
    found = [
        frechet_distance(
            moments_of([features[generator.integers(count, size=count)]]), other
        )
        for _ in range(resamples)
    ]
    return float(np.std(found, ddof=1)) if resamples > 1 else float("nan")


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
      a, which may fall below 0, and its standard error by the scatter around the line.

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
    return float(line.intercept), float(line.intercept_stderr)
