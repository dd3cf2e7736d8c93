"""Sliced Wasserstein-2 distance of two sets of features."""

import numpy as np

from genlab.errors import InputError


def sliced_wasserstein(
    x: np.ndarray, y: np.ndarray, *, projections: int = 1000, seed: int = 0
) -> np.ndarray:
    """W2^2 of the two sets on each of `projections` random lines, [projections].

    Their mean is the squared sliced distance, in the squared unit of the features: on a line the
    optimal plan joins the sorted values. Sets of unlike sizes are joined quantile by quantile, exactly.

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
    found = []
    for line in lines.T:
        gaps = np.sort(x @ line)[of_x] - np.sort(y @ line)[of_y]
        found.append(share @ np.square(gaps))
    return np.array(found)
