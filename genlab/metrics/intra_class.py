"""Frechet distance within every class."""

from typing import Any

import numpy as np

from genlab.distances.frechet import (
    frechet_distance,
    frechet_error,
    moments_of,
    rank_warning,
)
from genlab.errors import InputError
from genlab.metrics import sample_features
from genlab.metrics.measurement import Measurement, known
from genlab.metrics.sample_features import NUM, Choice
from genlab.metrics.seen import CHUNK, of_examples, of_samples
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.statistics import about
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "classes", "sample_classes")
def intra_class_frechet(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = 1000,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
) -> Measurement:
    """Frechet distance of samples of a class to real images of it, on average over classes.

    It sees a model that makes the right images for the wrong class, and one that makes the same image
    for all of a class; `frechet` sees neither.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples of each class.
      num_reference: real images of all classes together.
      reference: as of `frechet`.
      seed: of the samples.

    Returns:
      `intra_class_FEATURES`, `largest` of the class that is furthest, and with `_floor` the mean over
      classes of other real images, `num` of a class at most, in the squared unit of the features; few images
      of a class make all of them larger: where a class has fewer than `num`, `_at_floor` is of as many
      samples. The interval is by the jackknife over the samples.

    Raises:
      InputError: as `frechet`, or a class with fewer than 2 real images.

    Paper: Miyato & Koyama 2018, arXiv:1802.05637, section 4
    """
    asked = dict(num=num, num_reference=num_reference, reference=reference)
    network = sample_features.check(
        trained.experiment, trained.data, features=features, **asked
    )
    classes = range(trained.data.num_classes)
    truth = {
        label: moments_of([real])
        for label, real in _by_class(trained, network, reference, num_reference).items()
    }
    # In one draw, so that every sample has a latent of its own.
    label = tuple(k for k in classes for _ in range(num))
    drawn = of_samples(trained, network, len(label), seed=seed, label=label).features
    ours = dict(enumerate(drawn.reshape(len(classes), num, -1)))
    distances = lambda sets: [
        frechet_distance(moments_of([sets[k]]), truth[k]) for k in classes
    ]
    found = distances(ours)
    errors = [frechet_error(ours[k], truth[k]) for k in classes]
    name = f"intra_class_{network.name}"
    values = {name: float(np.mean(found)), "largest": max(found)}
    error = float(np.sqrt(np.square(errors).sum()) / len(found))
    protocol = {
        **sample_features.protocol_of(trained, network, num, seed),
        "samples": f"{num} of each class",
        "reference": f"{min(one.count for one in truth.values())} or more of each class of"
        f" {reference}, as stored",
    }
    counts = [num, *(one.count for one in truth.values())]
    if split != reference:
        real = _by_class(trained, network, split, num_reference)
        floor = {k: real[k][:num] for k in classes}
        values[f"{name}_floor"] = float(np.mean(distances(floor)))
        least = min(map(len, floor.values()))
        protocol["floor"] = f"{least} or more of each class of {split}"
        if least < num:
            as_many = {k: ours[k][: len(floor[k])] for k in classes}
            values[f"{name}_at_floor"] = float(np.mean(distances(as_many)))
        counts.append(least)
    protocol |= rank_warning(network.width, *counts)
    return Measurement(values, protocol, known({name: about(values[name], error, num)}))


def _by_class(
    trained: Trained, network: Any, split: str, num: int
) -> dict[int, np.ndarray]:
    """The features of each class's real images, [N, F].

    Raises:
      InputError: a class has fewer than two.
    """
    seen = of_examples(trained, network, split, num).features
    chunks = trained.examples_in_chunks(split, len(seen), CHUNK, as_stored=True)
    label = np.concatenate([raw["label"] for raw in chunks])
    counts = np.bincount(label, minlength=trained.data.num_classes)
    if counts.min() < 2:
        names = trained.data.class_names or range(len(counts))
        raise InputError(
            f"class {names[int(counts.argmin())]} has {counts.min()} of the {len(seen)} images of"
            f" {split}; a distance within classes needs 2 or more of each"
        )
    return {k: seen[label == k] for k in range(len(counts))}


intra_class_frechet.check = sample_features.check
