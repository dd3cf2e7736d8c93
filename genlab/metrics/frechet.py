"""Frechet distance of two sets of features, as if both were Gaussian."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError


@dataclass
class Moments:
    """Mean and covariance of features that arrive in batches, in float64.

    Deviations are summed around the mean of the first batch, so that a large mean costs no digits.
    """

    count: int = 0
    _centre: np.ndarray | None = None
    _sum: np.ndarray | None = None
    _squares: np.ndarray | None = None

    def add(self, features: np.ndarray) -> None:
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

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [F] and unbiased covariance [F, F].

        Raises:
          InputError: fewer than two examples have no covariance.
        """
        if self.count < 2:
            raise InputError(
                f"a covariance needs 2 examples or more, not {self.count}; ask for more"
            )
        mean = self._sum / self.count
        scatter = self._squares - self.count * np.outer(mean, mean)
        return self._centre + mean, scatter / (self.count - 1)


def moments_of(batches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean [F] and covariance [F, F] of batches of features `[N, F]`."""
    moments = Moments()
    for features in batches:
        moments.add(features)
    return moments.finish()


def frechet_distance(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> float:
    """||m - n||^2 + Tr(S + T - 2 (S T)^(1/2)) of two Gaussians with means m, n.

    The last trace is that of (S^(1/2) T S^(1/2))^(1/2), from the eigenvalues of symmetric matrices
    alone: they are real and, but for rounding, not negative.

    Args:
      one: mean [F] and covariance [F, F].
      other: the same.

    Returns:
      The distance, 0 or more, in the squared unit of the features.

    Paper: Dowson & Landau 1982, J. Multivariate Analysis 12; Heusel et al. 2017, arXiv:1706.08500
    """
    (mean, covariance), (other_mean, other_covariance) = one, other
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ other_covariance @ root)
    overlap = np.sqrt(np.maximum(product, 0)).sum()
    gap = np.square(mean - other_mean).sum()
    distance = gap + np.trace(covariance) + np.trace(other_covariance) - 2 * overlap
    return float(max(distance, 0.0))


def bootstrap_deviation(
    features: np.ndarray, other: tuple[np.ndarray, np.ndarray], resamples: int
) -> float:
    """Standard deviation of the distance of `features: [N, F]` to given moments, by resampling them.

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
