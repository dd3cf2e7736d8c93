"""Sliced Wasserstein-2 distance of two sets of features."""

import math
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError
from genlab.statistics import standard_error


@dataclass(frozen=True)
class Slices:
    """Distances on lines.

    Attributes:
      lines: W2^2 on each line, [projections], in the squared unit of the features.
      weights: derivative of their mean by the weight of each example of the first set, [N].
    """

    lines: np.ndarray
    weights: np.ndarray

    @property
    def value(self) -> float:
        """The squared sliced distance, the mean over the lines."""
        return float(self.lines.mean())

    @property
    def error(self) -> float:
        """Its standard error: by the infinitesimal jackknife over the examples of the first set, the
        second as it is, and by the deviation of the lines. Of equal distributions it is too large."""
        return math.hypot(standard_error(self.weights), standard_error(self.lines))


def sliced_wasserstein(
    x: np.ndarray, y: np.ndarray, *, projections: int = 1000, seed: int = 0
) -> Slices:
    """W2^2 of the two sets on each of `projections` random lines.

    On a line the optimal plan joins the sorted values; sets of unlike sizes are joined quantile by
    quantile, exactly.

    Args:
      x: [N, F], in float64 inside.
      y: [M, F].
      projections: directions, uniform on the sphere.
      seed: of the directions.

    Raises:
      InputError: a set without examples.

    Paper: Bonneel et al. 2015, J. Mathematical Imaging and Vision 51:22-45
    """
    if not (len(x) and len(y)):
        raise InputError(
            f"a distance of {len(x)} and {len(y)} examples; ask for 1 or more of each"
        )
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    lines = np.random.default_rng(seed).normal(size=(x.shape[1], projections))
    lines /= np.linalg.norm(lines, axis=0)
    # Both quantile functions are constant between these shares of the whole.
    ends = np.union1d(
        np.arange(1, len(x) + 1) * len(y), np.arange(1, len(y) + 1) * len(x)
    )
    share = np.diff(ends, prepend=0) / (len(x) * len(y))
    of_x, of_y = (ends - 1) // len(y), (ends - 1) // len(x)
    # Where y is cut between two neighbours of x: mass that moves along x passes this value.
    cuts = np.arange(1, len(x)) * len(y) // len(x)
    found, weights = [], np.zeros(len(x))
    for line in lines.T:
        ours, theirs = x @ line, np.sort(y @ line)
        order = np.argsort(ours)
        ours = ours[order]
        found.append(share @ np.square(ours[of_x] - theirs[of_y]))
        # The potential of the plan, whose slope at s is 2 (s - what s is joined to).
        rises = np.diff(np.square(ours)) - 2 * theirs[cuts] * np.diff(ours)
        potential = np.concatenate([[0.0], np.cumsum(rises)])
        weights[order] += (potential - potential.mean()) / projections
    return Slices(np.array(found), weights)
