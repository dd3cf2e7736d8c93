"""The directions in which an encoder says that the data go on, beside the data's own."""

import numpy as np

from genlab.geometry.model import jacobian_of
from genlab.geometry.tangent import local_pca
from genlab.geometry.tangent import tangents as leading_tangents
from genlab.numbers import Count
from genlab.plots.filters import signed_grid
from genlab.plots.grid import image_grid
from genlab.plots.neighbours import nearest
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("images", "encode")
def tangents(
    trained: Trained,
    *,
    num: Count = 8,
    directions: Count = 6,
    neighbours: Count = 30,
    num_train: Count = 10_000,
    split: str | None = None,
) -> np.ndarray:
    """Each example, the tangents that its encoder sees, and the local PCA of its neighbours.

    The tangents are the leading input-space singular vectors of the encoder's Jacobian; local PCA
    is of the nearest training examples. A tangent is 0 where it is mid grey; its sign is free.

    Args:
      trained: the model.
      num: examples, one for each row.
      directions: tangents and principal directions of each; no more than there are.
      neighbours: training examples in a neighbourhood.
      num_train: training examples searched, an even spread; all are held in memory.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8; a row is example, tangents, principal directions.

    Raises:
      InputError: the experiment has no `encode`, or examples are not images.

    Paper: Rifai et al. 2011, The Manifold Tangent Classifier, NIPS
    """
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    train = trained.examples("train", num_train)["x"]
    near = train[nearest(x, train, count=neighbours)]
    seen = leading_tangents(jacobian_of(trained, "encode", x), num=directions)
    parts = [
        image_grid(x, columns=1, value_range=trained.value_range),
        _rows(np.asarray(seen), x.shape[1:]),
        _rows(local_pca(near, num=directions), x.shape[1:]),
    ]
    bar = np.full((len(parts[0]), max(2, x.shape[2] // 8), 3), 255, np.uint8)
    return np.concatenate([parts[0], bar, parts[1], bar, parts[2]], axis=1)


def _rows(directions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`directions: [B, R, D]` as B rows of R images."""
    images = directions.reshape(-1, *shape)
    return signed_grid(images, columns=directions.shape[1])
