"""Points in the plane whose distribution is known exactly."""

import functools
import math
from typing import Annotated

import numpy as np
from scipy.special import logsumexp

from genlab.data.dataset import Dataset
from genlab.data.limits import check_size
from genlab.data.split import ArraySplit
from genlab.errors import InputError, suggest
from genlab.numbers import NonNegative, Range, Whole
from genlab.registry import datasets

NODES = 1000  # of a curve


@datasets.register
def toy2d(
    *,
    kind: str = "ring",
    radius: NonNegative | None = None,
    std: NonNegative | None = None,
    size: Annotated[int, Range(5)] = 50_000,
    seed: Whole = 0,
) -> Dataset:
    """Points in the plane: ring of 8 or grid of 25 Gaussians, swiss roll, two moons.

    | kind       | radius                              | std  | labels  | after               |
    |------------|-------------------------------------|------|---------|---------------------|
    | ring       | 2, of the circle of 8 centres       | 0.02 | 8 modes | Metz et al. 2017    |
    | grid       | 4, half the side of 5 x 5 centres   | 0.05 | 25 modes| Lin et al. 2018     |
    | swiss_roll | 0.9 pi, of the outer end            | 0.2  | none    | Grathwohl et al. 2019|
    | two_moons  | 2, of each half circle              | 0.2  | 2 moons | Grathwohl et al. 2019|

    Validation and test hold a fifth of `size` each; the three splits are drawn independently.
    Ring and grid give their centres as `Dataset.modes`; with any noise they know their density. So do
    spiral and half circles with a `std` above a hundredth of `radius`: mixtures of NODES Gaussians along
    the curve, which are nearer to each other than the noise reaches.

    Args:
      kind: one of the table.
      radius: as in the table; None takes its number.
      std: standard deviation of the Gaussian noise per coordinate; None takes the table's.
      size: points in the train split.
      seed: of the draws.

    Raises:
      InputError: an unknown kind, a size below 5 or above what the memory holds, a negative seed,
        radius or std.

    Papers: Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086;
      Grathwohl et al. 2019, arXiv:1810.01367
    """
    if kind not in _KINDS:
        raise InputError(f"unknown toy2d kind {kind!r}{suggest(kind, _KINDS)}")
    # Points and noise in float64 and points in float32, of all splits.
    check_size(f"toy2d with {size} points", 2 * size * (8 + 8 + 4))
    usual_radius, usual_std, classes = _KINDS[kind]
    radius = usual_radius if radius is None else radius
    std = usual_std if std is None else std
    centres = _MODES[kind](radius) if kind in _MODES else None
    counts = {"train": size, "validation": size // 5, "test": size // 5}
    splits = {}
    for position, (split, count) in enumerate(counts.items()):
        generator = np.random.default_rng(np.random.SeedSequence((seed, position)))
        arrays = _draw(generator, count, kind, radius, centres)
        noise = std * generator.standard_normal((count, 2))
        arrays["x"] = (arrays["x"] + noise).astype(np.float32)
        splits[split] = ArraySplit(arrays)
    along = _along(kind, radius) if centres is None else centres
    known = std > (0.01 * radius if centres is None else 0)
    log_density = functools.partial(log_mixture, centres=along, std=std)
    return Dataset(
        name=f"toy2d {kind}",
        splits=splits,
        example_shape=(2,),
        num_classes=classes,
        modes=None if centres is None else centres.astype(np.float32),
        mode_std=std if centres is not None else 0.0,
        log_density=log_density if known else None,
    )


def log_mixture(x: np.ndarray, centres: np.ndarray, std: float) -> np.ndarray:
    """log p(x) of an even mixture of round Gaussians, `[N]` nats, of `x: [N, 2]` and `centres: [K, 2]`."""
    centres = np.asarray(centres, np.float64)
    parts = np.array_split(np.asarray(x, np.float64), max(1, len(x) // 1000))
    squares = (np.square(part[:, None] - centres).sum(-1) for part in parts)
    logs = [logsumexp(-0.5 * each / std**2, axis=1) for each in squares]
    return np.concatenate(logs) - math.log(len(centres) * 2 * math.pi * std**2)


def ring_modes(radius: float) -> np.ndarray:
    """Eight centres evenly on a circle, the first at angle 0: `[8, 2]` float64."""
    angle = 2 * np.pi * np.arange(8) / 8
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def grid_modes(radius: float) -> np.ndarray:
    """Centres of a 5 x 5 grid on [-radius, radius]^2: `[25, 2]` float64."""
    ticks = np.linspace(-radius, radius, 5)
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(25, 2)


def _draw(
    generator: np.random.Generator,
    count: int,
    kind: str,
    radius: float,
    centres: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Noiseless points `x: [count, 2]`, with `label: [count]` int32 where there are classes."""
    if centres is not None:
        label = generator.integers(len(centres), size=count)
        return {"x": centres[label], "label": label.astype(np.int32)}
    if kind == "swiss_roll":
        return {"x": _spiral(generator.random(count), radius)}
    share = generator.random(count)
    label = generator.integers(2, size=count)
    x = np.where(label[:, None] == 0, *_half_circles(share, radius))
    return {"x": x, "label": label.astype(np.int32)}


def _spiral(share: np.ndarray, radius: float) -> np.ndarray:
    """Points `[N, 2]` at shares of the angle in [0, 1]."""
    angle = 1.5 * np.pi * (1 + 2 * share)
    spiral = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return radius * (angle / (4.5 * np.pi))[:, None] * spiral


def _half_circles(share: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of the upper and the lower one, `[N, 2]` each, at shares of the angle in [0, 1]."""
    angle = np.pi * share
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=-1)
    # The mean of the two half circles, so that the points are centred on the origin.
    middle = np.array([0.5, 0.25])
    return radius * (upper - middle), radius * (lower - middle)


def _along(kind: str, radius: float) -> np.ndarray:
    """NODES points along a curve, evenly as they are drawn, `[NODES, 2]`."""
    share = (np.arange(NODES) + 0.5) / NODES
    if kind == "swiss_roll":
        return _spiral(share, radius)
    half = (np.arange(NODES // 2) + 0.5) / (NODES // 2)
    return np.concatenate(_half_circles(half, radius))


_MODES = {"ring": ring_modes, "grid": grid_modes}
# kind -> (radius, standard deviation, classes)
_KINDS = {
    "ring": (2.0, 0.02, 8),
    "grid": (4.0, 0.05, 25),
    "swiss_roll": (0.9 * np.pi, 0.2, 0),
    "two_moons": (2.0, 0.2, 2),
}
