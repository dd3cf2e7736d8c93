"""What the units of a model look for, and along what its decoder moves, as images."""

import math
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.geometry.model import jacobian_of
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs, shapes_of
from genlab.trained.trained import Trained


@plots.register
@needs("images", "filters")
def receptive_filters(
    trained: Trained, *, num: Count = 64, columns: Count | None = None
) -> np.ndarray:
    """Filters of the first layer as images, each scaled by its largest weight, 0 mid grey.

    Args:
      trained: the model.
      num: filters shown, the first ones.
      columns: filters in a row; as square as possible without it.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `filters`, or examples are not images.
    """
    filters = trained.call("filters")[:num].reshape(-1, *trained.data.example_shape)
    return signed_grid(filters, columns=columns)


@plots.register
@needs("images", "encode", "decode")
def principal_components(
    trained: Trained, *, num: Count = 16, num_train: Count = 2000
) -> np.ndarray:
    """The data's principal components, and below them the directions in which a decoder moves.

    The upper rows are the components of the train split, the widest first; the lower ones the
    change of the decoded image with each number of the code, at the mean code, the longest first.
    A linear decoder that has learned the principal subspace shows other images of the same span.
    Each image is scaled by its largest value, 0 mid grey.

    Args:
      trained: the model.
      num: images of each kind; no more than there are.
      num_train: examples that components and mean code are of, an even spread over the train split.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no `encode` or `decode`, or examples that are not images.
    """
    x = trained.examples("train", num_train)["x"]
    components = principal_directions(x, num=num)
    directions = decoder_directions(trained, x)
    lengths = np.linalg.norm(directions, axis=1)
    directions = directions[np.argsort(-lengths, kind="stable")][:num]
    columns = min(max(len(components), len(directions)), 8)
    upper, lower = (
        signed_grid(images.reshape(-1, *x.shape[1:]), columns=columns)
        for images in (components, directions)
    )
    bar = np.full((max(2, x.shape[1] // 8), upper.shape[1], 3), 255, np.uint8)
    return np.concatenate([upper, bar, lower])


def _check_filters(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    size = math.prod(shapes_of(experiment, data, "filters").shape[1:])
    if size != math.prod(data.example_shape):
        raise InputError(
            f"plot 'receptive_filters' shows filters of examples, {tuple(data.example_shape)}; the"
            f" first layer of this model sees {size} numbers"
        )


receptive_filters.check = _check_filters


def principal_directions(x: np.ndarray, *, num: int) -> np.ndarray:
    """Directions of largest variance of `x: [N, ...]`: [min(num, N, D), D] float64, of length 1."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    _, _, directions = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    return directions[:num]


def decoder_directions(trained: Trained, x: np.ndarray) -> np.ndarray:
    """Columns of the decoder's Jacobian at the mean code of `x: [N, ...]`: [K, D]."""
    centre = trained.call("encode", x).mean(axis=0, keepdims=True)
    return jacobian_of(trained, "decode", centre)[0].T


def signed_grid(images: np.ndarray, *, columns: int | None = None) -> np.ndarray:
    """Images of numbers about 0 as a grid: 0 is mid grey, each image's largest value full.

    Args:
      images: [N, H, W, C] float, C 1 or 3.
      columns: images in a row; as square as possible without it.

    Returns:
      [H', W', 3] uint8.
    """
    largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    scaled = np.divide(images, largest, np.zeros_like(images), where=largest > 0)
    return image_grid(scaled, columns=columns, value_range=(-1, 1))
