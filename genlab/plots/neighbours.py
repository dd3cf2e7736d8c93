"""Samples beside the training images that are most like them: has the model learned by heart?"""

import numpy as np

from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

CHUNK = 1000  # training images compared at a time


@plots.register
@needs("images", "sample")
def nearest_neighbours(
    trained: Trained,
    *,
    num: Count = 10,
    neighbours: Count = 6,
    num_train: Count = 10_000,
) -> np.ndarray:
    """Each sample, then its nearest training images by Euclidean distance of the pixels.

    A neighbour that equals its sample is a training image learned by heart. The reverse does not
    hold: an image shifted by one pixel is far in this distance.

    Args:
      trained: the model.
      num: samples, one for each row.
      neighbours: training images in a row, the nearest first.
      num_train: training images searched, an even spread; all are held in memory.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `sample`, or examples are not images.
    """
    samples = trained.sample(num)
    train = trained.examples("train", num_train)["x"]
    indices = nearest(samples, train, count=neighbours)
    look = {"value_range": trained.value_range}
    left = image_grid(samples, columns=1, **look)
    right = image_grid(
        train[indices.ravel()].reshape(-1, *train.shape[1:]),
        columns=indices.shape[1],
        **look,
    )
    bar = np.full((len(left), max(2, samples.shape[2] // 8), 3), 255, np.uint8)
    return np.concatenate([left, bar, right], axis=1)


def nearest(queries: np.ndarray, keys: np.ndarray, *, count: int) -> np.ndarray:
    """Indices of the keys nearest to each query, the nearest first; ties go to the lower index.

    Args:
      queries: [Q, ...].
      keys: [K, ...].
      count: neighbours; no more than K are given.

    Returns:
      [Q, min(count, K)] int.
    """
    queries = queries.reshape(len(queries), -1).astype(np.float64)
    distances = np.concatenate(
        [
            _squared_distances(queries, keys[start : start + CHUNK])
            for start in range(0, len(keys), CHUNK)
        ],
        axis=1,
    )
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


def _squared_distances(queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """[Q, K]; in float64, since the expansion cancels for images that are nearly equal."""
    keys = keys.reshape(len(keys), -1).astype(np.float64)
    return (
        np.sum(queries**2, axis=1)[:, None]
        - 2 * queries @ keys.T
        + np.sum(keys**2, axis=1)[None]
    )
