"""Whether samples show what their captions say, by the exact factors of the data."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.game.precision import exact_products
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.translations import to_unit
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

CHUNK = 2048  # images rendered at a time


@metrics.register
@needs("images", "classes", "sample_classes")
def caption_agreement(
    trained: Trained, split: str, *, num: Count = 1000
) -> Measurement:
    """Share of samples that show every attribute of their caption.

    What a sample shows is what the caption would say of the nearest image, by squared difference, of
    all that the data set can draw: every combination of its factors.

    Args:
      trained: the model.
      split: not looked at; the images are all that there are.
      num: samples, the captions in turn.

    Returns:
      `agreement`, of all attributes, `agreement_NAME`, of each, in [0, 1]; `distance`, the root mean
      squared difference from the nearest image, pixels in [0, 1]; `chance`, one over the number of
      captions. Captions that training did not see are counted apart, `agreement_unseen`. `distinct`, where
      every caption has two samples or more: of the pairs of samples of one caption the share whose nearest
      images are two, 1 - 1/M for draws that are even over the M images of a caption, and 0 where a caption
      always has the same image.

    Raises:
      InputError: the experiment samples no classes, or the data set has no captions.
    """
    del split
    data = trained.data
    _check(trained.experiment, data)
    asked = np.arange(num) % data.num_classes
    names = [data.class_names[index] for index in asked]
    samples = to_unit(trained, trained.sample(num, names))
    factors, distance = nearest_factors(samples, data.render, data.factors)
    shown = np.asarray(data.captions.values(factors))
    right = shown == data.captions.words_of(asked)
    scores = {"agreement": right.all(axis=1)}
    for place, attribute in enumerate(data.captions.words):
        scores[f"agreement_{attribute}"] = right[:, place]
    unseen = trained.once(("unseen captions",), lambda: _unseen(data))
    if len(unseen):
        scores["agreement_unseen"] = scores["agreement"][np.isin(asked, unseen)]
    values, intervals = means_of({**scores, "distance": distance})
    if num >= 2 * data.num_classes:
        values["distinct"] = distinct(asked, factors)
    protocol = {
        "samples": f"{num}, of {data.num_classes} captions in turn",
        "candidates": f"all {math.prod(data.factors.values()):,} images of the data set",
        "unseen": f"{len(unseen)} captions",
    }
    return Measurement({**values, "chance": 1 / data.num_classes}, protocol, intervals)


def nearest_factors(
    images: np.ndarray, render: Any, factors: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The factor values whose image is nearest, [N, F], and the root mean squared difference, [N].

    Args:
      images: [N, H, W, C] in [0, 1].
      render: `[B, F]` int32 factor values to images `[B, H, W, C]` uint8.
      factors: name -> number of values.
    """
    flat = jnp.asarray(images.reshape(len(images), -1))
    sizes, total = tuple(factors.values()), math.prod(factors.values())

    @jax.jit
    @exact_products
    def nearest(first: jax.Array) -> tuple[jax.Array, jax.Array]:
        rows = jnp.minimum(first + jnp.arange(CHUNK), total - 1)
        drawn = render(jnp.stack(jnp.unravel_index(rows, sizes), axis=1))
        drawn = drawn.reshape(CHUNK, -1) / 255.0
        # The squares of the samples are added at the end.
        gap = jnp.sum(jnp.square(drawn), axis=1)[None] - 2 * flat @ drawn.T
        return jnp.min(gap, axis=1), rows[jnp.argmin(gap, axis=1)]

    best, found = np.full(len(flat), np.inf), np.zeros(len(flat), np.int64)
    for first in range(0, total, CHUNK):
        gap, rows = map(np.asarray, nearest(first))
        nearer = gap < best
        best, found = np.where(nearer, gap, best), np.where(nearer, rows, found)
    squared = best + np.sum(np.square(np.asarray(flat, np.float64)), axis=1)
    distance = np.sqrt(np.maximum(squared, 0) / flat.shape[1])
    return np.stack(np.unravel_index(found, sizes), axis=1), distance


def distinct(asked: np.ndarray, factors: np.ndarray) -> float:
    """Of the pairs of samples of one caption the share that differ in a factor, the mean over captions.

    Args:
      asked: [N] int, the caption of each sample; two or more of each.
      factors: [N, F] int.
    """

    def one(found: np.ndarray) -> float:
        counts = np.unique(found, axis=0, return_counts=True)[1]
        pairs = lambda n: n * (n - 1)
        return 1 - pairs(counts).sum() / pairs(len(found))

    return float(np.mean([one(factors[asked == k]) for k in np.unique(asked)]))


def _unseen(data: Dataset) -> np.ndarray:
    """Captions that none of the training examples has, [U]."""
    train = data.splits["train"]
    seen = train.labels(np.arange(train.size))
    return np.setdiff1d(np.arange(data.num_classes), seen)


def _check(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del experiment, knobs
    if data.captions is None or data.render is None:
        raise InputError(
            "metric 'caption_agreement' needs a data set whose captions are written from factors, as"
            f" 'shapes' with captions=True; {data.name!r} has none"
        )


caption_agreement.check = _check
