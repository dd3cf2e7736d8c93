"""Ways through the latent space of a generator: paths, walks, traversals and truncated latents."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.prior import check_prior
from genlab.numbers import Count, Positive
from genlab.plots.grid import image_grid
from genlab.plots.latent import lerp, slerp
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

BOUNDS = (0.25, 0.5, 1.0, 2.0, 4.0)


@plots.register
@needs("images", "sample", "decode")
def latent_paths(
    trained: Trained, *, pairs: Count = 4, points: Count = 8
) -> np.ndarray:
    """Between two draws of the prior, a straight path above a spherical one, two rows for each pair.

    In many dimensions the middle of a straight path lies nearer to the origin than nearly all draws,
    where the generator was never trained; a spherical one keeps to their radius.

    Args:
      trained: a model that decodes z ~ N(0, I).
      pairs: of draws; a class for each where the generator takes one.
      points: latents decoded along each path, ends included.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: a family that does not decode such latents, or examples that are not images.

    Paper: White 2016, arXiv:1609.04468
    """
    ends = _draws(trained, 2 * pairs, "latent_paths")
    fractions = np.linspace(0, 1, points, dtype=ends.dtype)
    paths = [way(ends[:pairs], ends[pairs:], fractions) for way in (lerp, slerp)]
    rows = np.stack(paths, axis=1).reshape(2 * pairs, points, -1)
    return _rows(trained, rows, "latent_paths", alike=2)


@plots.register
@needs("images", "sample", "decode")
def latent_walk(
    trained: Trained, *, stops: Count = 6, points: Count = 10
) -> np.ndarray:
    """A walk from draw to draw of the prior and back to the first, a row for each leg.

    Smooth changes speak against a model that has learned its images by heart, as the walks of DCGAN.

    Args:
      trained: a model that decodes z ~ N(0, I).
      stops: draws that the walk comes by.
      points: latents decoded on each leg.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: as `latent_paths`.

    Paper: Radford et al. 2016, arXiv:1511.06434, section 6.1
    """
    ends = _draws(trained, stops, "latent_walk")
    fractions = np.arange(points, dtype=ends.dtype) / points
    legs = slerp(ends, np.roll(ends, -1, axis=0), fractions)
    return _rows(trained, legs, "latent_walk", alike=stops)


@plots.register
@needs("images", "sample", "decode")
def latent_traversals(
    trained: Trained, *, dimensions: Count = 8, points: Count = 8, reach: Positive = 2.0
) -> np.ndarray:
    """One draw of the prior with one coordinate at a time moved from -reach to reach, a row for each.

    Args:
      trained: a model that decodes z ~ N(0, I).
      dimensions: the first coordinates, no more than there are.
      points: values of a coordinate.
      reach: in standard deviations.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: as `latent_paths`.

    Paper: Higgins et al. 2017, beta-VAE, ICLR
    """
    (start,) = _draws(trained, 1, "latent_traversals")
    dimensions = min(dimensions, len(start))
    moved = np.tile(start, (dimensions, points, 1))
    values = np.linspace(-reach, reach, points, dtype=start.dtype)
    moved[np.arange(dimensions), :, np.arange(dimensions)] = values
    return _rows(trained, moved, "latent_traversals", alike=dimensions)


@plots.register
@needs("images", "sample", "decode")
def truncation(
    trained: Trained, *, bounds: Sequence[Positive] = BOUNDS, num: Count = 8
) -> np.ndarray:
    """Samples from normal latents of which nothing lies beyond a bound, a row for each bound.

    Less varied and more typical, the lower the bound. A column keeps its quantiles, so that it shows
    what is lost.

    Args:
      trained: a model that decodes z ~ N(0, I).
      bounds: of each coordinate, in standard deviations, from above to below.
      num: samples in a row.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: as `latent_paths`.

    Paper: Brock et al. 2019, arXiv:1809.11096 (truncation trick)
    """
    drawn = _draws(trained, num, "truncation")
    rows = np.stack([truncated(drawn, bound) for bound in bounds])
    columns = _labels(trained, num, "truncation")
    return _picture(trained, rows, columns and np.tile(columns[0], len(bounds)))


def truncated(z: np.ndarray, bound: float) -> np.ndarray:
    """Draws of N(0, 1) brought by their quantiles to those of N(0, 1) between -bound and bound."""
    normal = NormalDist()
    low, high = normal.cdf(-bound), normal.cdf(bound)
    # Far out in float64 a quantile may round to 0 or 1, which have no place on the line.
    share = np.clip([normal.cdf(value) for value in z.ravel()], 1e-15, 1 - 1e-15)
    within = [normal.inv_cdf(low + one * (high - low)) for one in share]
    return np.clip(np.reshape(within, z.shape), -bound, bound).astype(z.dtype)


def _draws(trained: Trained, num: int, stream: str) -> np.ndarray:
    """Draws of the prior, [num, Z], that depend on the run's seed and the stream."""
    return np.asarray(trained.experiment.latents(rng.stream(trained.seed, stream), num))


def _labels(trained: Trained, num: int, stream: str) -> list[np.ndarray]:
    """Classes, [num], in a list that is empty where the generator takes none."""
    experiment = trained.experiment
    if not experiment.networks[experiment.DECODER].takes_label:
        return []
    key = rng.stream(trained.seed, f"{stream}/label")
    return [np.asarray(rng.classes(key, num, experiment.num_classes))]


def _rows(trained: Trained, rows: np.ndarray, stream: str, alike: int) -> np.ndarray:
    """The picture of latents `rows: [R, T, Z]`; `alike` rows that follow each other share a class."""
    count, points, _ = rows.shape
    labels = _labels(trained, -(-count // alike), stream)
    return _picture(
        trained, rows, labels and np.repeat(labels[0], alike * points)[: count * points]
    )


def _picture(trained: Trained, rows: np.ndarray, label: Any) -> np.ndarray:
    flat = rows.reshape(-1, rows.shape[-1])
    given = [label.astype(np.int32)] if len(label) else []
    images = trained.call("decode", flat, *given)
    return image_grid(images, columns=rows.shape[1], value_range=trained.value_range)


def _check(
    experiment: Experiment,
    data: Dataset,
    *,
    bounds: Sequence[float] = BOUNDS,
    **knobs: Any,
) -> None:
    del data, knobs
    check_prior(experiment, "a way through latents")
    if not bounds:
        raise InputError(
            "bounds=() has no row; name a bound or more, as in bounds=(1.0,)"
        )


for _plot in (latent_paths, latent_walk, latent_traversals, truncation):
    _plot.check = _check
