"""log p(x) of models that have it, and how far it is from a density that is known."""

import math
from typing import Any

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.levels import lie_on, some_bytes
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

CHUNK = 100


@metrics.register
@needs("log_density", "images or points")
def log_density(
    trained: Trained,
    split: str,
    *,
    num: Count = 1000,
    steps: Count = 100,
    levels: Count = 256,
) -> Measurement:
    """Mean log p(x), in nats; of images in bits per dimension too.

    Mixtures and normalizing flows have it exactly, diffusion by its probability flow, whose divergence is
    exact for points of the plane and Hutchinson's estimate for images; energies in the plane, where their
    partition function is a sum over a grid. Autoregressive models have the log probability of their levels,
    exactly, and flows of levels a lower bound on it by the noise that they were trained with. For all others
    images are dequantised: u ~ U[0, 1) is added to each of their whole levels, so that
    the mean is a lower bound on the
    log probability of levels, log p of the dequantised image + D ln(width of a level).

    Args:
      trained: the model.
      split: of the examples.
      num: examples of the split.
      steps: Runge-Kutta steps of a probability flow, four predictions each.
      levels: of the values of images, 256 of bytes, 17 of scikit-learn's digits; models of levels have their
        own.

    Returns:
      `log_likelihood`, nats; of images `bits_per_dimension`, -log_likelihood / (D ln 2); of data whose
      density is known `kl`, the mean of log p_true - log p, nats, which estimates KL(p_true || p), and
      `log_likelihood_true`.

    Raises:
      InputError: examples that do not have such levels; a model without a density.

    Paper: Song et al. 2021, arXiv:2011.13456; dequantisation: Theis, van den Oord & Bethge 2016, arXiv:1511.01844
    """
    data, plane = trained.data, len(trained.data.example_shape) == 1
    x = trained.examples(split, num)["x"].astype(np.float64)
    key = rng.fold(jax.random.key(trained.seed), "log_density")
    volume, own = 0.0, getattr(trained.experiment, "own_levels", 0)
    if not plane and not own:
        x, volume = _dequantized(trained, x, levels, rng.fold(key, "dequantize"))
    scores = {"log_likelihood": densities(trained, x, key, steps, plane) + volume}
    protocol: dict[str, Any] = {"split": split, "examples": len(x)}
    if by_flow(trained.experiment):
        protocol["flow"] = f"Runge-Kutta, {steps} steps"
        probe = "exact" if plane else "Hutchinson, one probe an example"
        protocol["divergence"] = probe
    elif getattr(trained.experiment, "DENSITY", "exact") == "grid":
        protocol["normalized"] = "by a sum over a grid of the box"
    if not plane:
        size = math.prod(data.example_shape)
        scores["bits_per_dimension"] = -scores["log_likelihood"] / (size * math.log(2))
        protocol["binarized"] = trained.preparation.binarize
        protocol |= of_levels(trained.experiment, levels)
    if data.log_density is not None:
        scores["log_likelihood_true"] = data.log_density(x)
        scores["kl"] = scores["log_likelihood_true"] - scores["log_likelihood"]
    values, intervals = means_of(scores)
    return Measurement(values, protocol, intervals)


def of_levels(experiment: Experiment, levels: int = 0) -> dict[str, Any]:
    """What a protocol says of a log probability of levels: how many, the model's own or those that are given, how
    they are filled, and whether it is exact; nothing without levels."""
    own = getattr(experiment, "own_levels", 0)
    if not (own or levels):
        return {}
    noise = experiment.noise_in_levels if own else "uniform"
    bound = "exact" if noise == "no" else "lower"
    return {"levels": own or levels, "dequantized": noise, "bound": bound}


def by_flow(experiment: Experiment) -> bool:
    """Whether the density is that of a probability flow, which is integrated."""
    return getattr(experiment, "DENSITY", "exact") == "probability flow"


def densities(
    trained: Trained, x: np.ndarray, key: jax.Array, steps: int, exact: bool
) -> np.ndarray:
    """log p of each of `x: [N, *example_shape]`, [N] nats, in chunks of one size; see the metric's `steps`."""
    compiled = trained.compile(
        f"log_density, {steps}, {exact}",
        lambda experiment, *arrays: experiment.log_density(
            *arrays, steps=steps, exact=exact
        ),
    )
    parts = []
    for index, first in enumerate(range(0, len(x), CHUNK)):
        part = x[first : first + CHUNK].astype(np.float32)
        whole = np.concatenate([part, np.repeat(part[:1], CHUNK - len(part), axis=0)])
        found = compiled(trained.params, trained.extra, whole, rng.fold(key, index))
        parts.append(np.asarray(found, np.float64)[: len(part)])
    return np.concatenate(parts)


def _dequantized(
    trained: Trained, x: np.ndarray, levels: int, key: jax.Array
) -> tuple[np.ndarray, float]:
    """Images with noise within their levels, and the logarithm of the volume of a level."""
    low, high = trained.value_range
    whole = (x - low) / (high - low) * (levels - 1)
    whole = _whole(whole, levels, trained.data.name)
    width = (high - low) / levels
    noise = np.asarray(rng.uniform(key, x.shape), np.float64)
    volume = math.prod(trained.data.example_shape) * math.log(width)
    return low + width * (whole + noise), volume


def _whole(levels_of: np.ndarray, levels: int, name: str) -> np.ndarray:
    """Levels as whole numbers, which bytes of fewer than 256 are nearly.

    Raises:
      InputError: they are between two.
    """
    if not lie_on(levels_of / (levels - 1), levels):
        raise InputError(
            f"log_density: examples of {name!r} do not have {levels} levels; say how many with levels=, and measure"
            " images at their own size"
        )
    return np.round(levels_of)


def _check(
    experiment: Experiment, data: Dataset, *, num: int, steps: int, levels: int
) -> None:
    """Raises InputError for a network that needs a class, since p(x) of all of them is not at hand, and for bytes
    that are not of so many levels."""
    del num, steps
    for role, network in experiment.networks.items():
        if network.takes_label:
            raise InputError(
                f"log_density is of a model without labels, and model.{role} takes the class of an"
                " example"
            )
    if not data.is_image or getattr(experiment, "own_levels", 0):
        return
    # Bytes are of 256 levels, and of two where they are made binary.
    if levels not in (2, 256) and (few := some_bytes(data)) is not None:
        _whole(few / 255 * (levels - 1), levels, data.name)


log_density.check = _check
