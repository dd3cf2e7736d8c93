"""The latent space seen through its decoder: paths between examples, and the plane of two codes."""

from statistics import NormalDist
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.numbers import Count, Positive, Whole
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs, shapes_of
from genlab.trained.trained import Trained

PATHS = ("linear", "spherical")


@plots.register
@needs("images", "encode", "decode")
def interpolations(
    trained: Trained,
    *,
    pairs: Count = 6,
    points: Count = 8,
    path: str = "spherical",
    pixels: bool = False,
    split: str | None = None,
) -> np.ndarray:
    """Pairs of examples, and between them what the decoder makes of the path from code to code.

    The path's ends are the two reconstructions. A spherical path keeps to the radii at which a
    high-dimensional Gaussian prior has its mass, which a straight one leaves near the middle.

    Args:
      trained: the model.
      pairs: rows.
      points: codes decoded along each path, ends included.
      path: `spherical` or `linear`.
      pixels: whether a second row of each pair has the straight path from image to image, where
        both fade into each other.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8; a row is example, `points` decoded codes, example.

    Raises:
      InputError: no `encode` or `decode`, examples that are not images, fewer than two examples,
        fewer than two points, or another path.

    Paper: White 2016, arXiv:1609.04468
    """
    _check_path(trained.experiment, trained.data, path=path, points=points)
    images = trained.examples(split or trained.data.held_out()[0], 2 * pairs)["x"]
    pairs = len(images) // 2
    if pairs < 1:
        raise InputError(f"{len(images)} examples have no path; it needs two")
    starts, ends = images[0 : 2 * pairs : 2], images[1 : 2 * pairs : 2]
    codes = trained.call("encode", np.concatenate([starts, ends]))
    between = slerp if path == "spherical" else lerp
    fractions = np.linspace(0, 1, points, dtype=codes.dtype)
    walked = between(codes[:pairs], codes[pairs:], fractions)
    decoded = trained.call("decode", walked.reshape(-1, *codes.shape[1:]))
    decoded = decoded.reshape(pairs, points, *decoded.shape[1:])
    between = [decoded, lerp(starts, ends, fractions)] if pixels else [decoded]
    rows = np.stack(
        [
            np.concatenate([starts[:, None], way, ends[:, None]], axis=1)
            for way in between
        ],
        axis=1,
    )
    return image_grid(
        rows.reshape(-1, *images.shape[1:]),
        columns=points + 2,
        value_range=trained.value_range,
    )


@plots.register
@needs("images", "encode", "decode")
def code_traversals(
    trained: Trained,
    *,
    example: Whole = 0,
    dimensions: Count = 10,
    points: Count = 9,
    reach: Positive = 2.0,
    split: str | None = None,
) -> np.ndarray:
    """An example's code with one number at a time moved, a row for each, those that vary most first.

    A number goes from -reach to reach of its standard deviations over the examples, about its mean.
    Rows of numbers that no example moves stay as they are: the decoder was never shown other values.

    Args:
      trained: the model.
      example: which, counted in an even spread over the split.
      dimensions: rows, no more than a code has numbers.
      points: values of a number.
      reach: in standard deviations.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8; a row is the reconstruction, then `points` images.

    Raises:
      InputError: no `encode` or `decode`, examples that are not images, or fewer of them.

    Papers: Higgins et al. 2017, beta-VAE, ICLR; Kim & Mnih 2018, arXiv:1802.05983
    """
    x = trained.examples(split or trained.data.held_out()[0], max(1000, example + 1))[
        "x"
    ]
    if example >= len(x):
        raise InputError(f"example={example} of {len(x)} examples; take one of them")
    codes = trained.call("encode", x)
    shape, codes = codes.shape[1:], codes.reshape(len(codes), -1)
    mean, std = codes.mean(axis=0), codes.std(axis=0)
    order = np.argsort(-std, kind="stable")[:dimensions]
    moved = np.tile(codes[example], (len(order), points + 1, 1))
    steps = np.linspace(-reach, reach, points, dtype=codes.dtype)
    for row, place in enumerate(order):
        moved[row, 1:, place] = mean[place] + std[place] * steps
    images = trained.call("decode", moved.reshape(-1, *shape))
    return image_grid(images, columns=points + 1, value_range=trained.value_range)


@plots.register
@needs("images", "encode", "decode")
def manifold(trained: Trained, *, size: Count = 20) -> np.ndarray:
    """What a two-dimensional latent space decodes to, over the quantiles of its Gaussian prior.

    Codes are the inverse normal CDF of a regular grid on the unit square, so that every image
    stands for the same share of the prior. The first code grows to the right, the second upwards.

    Args:
      trained: the model.
      size: images on a side.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no `encode` or `decode`, examples that are not images, codes that are not [2].

    Paper: Kingma & Welling 2014, arXiv:1312.6114 (figure 4)
    """
    codes = trained.call("encode", trained.examples("train", 1)["x"])
    _check_plane(codes.shape)
    normal = NormalDist()
    quantiles = [normal.inv_cdf((i + 0.5) / size) for i in range(size)]
    first, second = np.meshgrid(quantiles, quantiles[::-1])
    grid = np.stack([first.ravel(), second.ravel()], axis=1).astype(codes.dtype)
    return image_grid(
        trained.call("decode", grid),
        columns=size,
        padding=0,
        value_range=trained.value_range,
    )


def _check_path(
    experiment: Experiment, data: Dataset, *, path: str, points: int, **knobs: Any
) -> None:
    del experiment, data, knobs
    if path not in PATHS:
        raise InputError(f"unknown path {path!r}{suggest(path, PATHS)}")
    if points < 2:
        raise InputError(f"points={points} codes are no path; take 2 or more")


def _check_plane(shape: tuple[int, ...]) -> None:
    if shape[1:] != (2,):
        raise InputError(
            f"plot 'manifold' needs codes of shape (2,), this model's are {shape[1:]}:"
            " train with a latent size of 2"
        )


interpolations.check = _check_path
manifold.check = lambda experiment, data, **knobs: _check_plane(
    shapes_of(experiment, data, "encode").shape
)


def lerp(start: np.ndarray, end: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Straight paths: `start: [N, ...]`, `end: [N, ...]`, `fractions: [T]` to [N, T, ...]."""
    t = fractions.reshape(1, -1, *[1] * (start.ndim - 1))
    return (1 - t) * start[:, None] + t * end[:, None]


def slerp(start: np.ndarray, end: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Paths along the arc between two codes, each weighted by sin(share of the angle) / sin(angle).

    Codes that are parallel, opposed or zero have no arc of their own; their path is straight.

    Args:
      start: [N, ...] codes; all axes but the first are one vector.
      end: [N, ...].
      fractions: [T] in [0, 1].

    Returns:
      [N, T, ...].

    Paper: White 2016, arXiv:1609.04468
    """
    # In float32 two opposed codes can look like an arc, with weights in the thousands.
    a, b = (codes.reshape(len(codes), -1).astype(np.float64) for codes in (start, end))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    # A code of length zero points nowhere: its path is straight too.
    cosine = np.divide((a * b).sum(axis=1), norms, np.ones_like(norms), where=norms > 0)
    angle = np.arccos(np.clip(cosine, -1, 1))
    sine = np.sin(angle)
    curved = (sine > 1e-4)[:, None]
    safe = np.where(curved, sine[:, None], 1)
    near = np.where(
        curved, np.sin(np.outer(angle, 1 - fractions)) / safe, 1 - fractions
    )
    far = np.where(curved, np.sin(np.outer(angle, fractions)) / safe, fractions)
    path = near[..., None] * a[:, None] + far[..., None] * b[:, None]
    path = path.reshape(len(start), len(fractions), *start.shape[1:])
    return path.astype(start.dtype)
