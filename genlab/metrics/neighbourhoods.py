"""Quality, variety and copies of samples by their nearest neighbours among real images."""

import functools
import operator
from typing import Any

import numpy as np

from genlab.distances.copying import Copying, copying, nearer_share
from genlab.distances.neighbours import Neighbourhoods, neighbourhoods
from genlab.errors import InputError
from genlab.metrics import sample_features
from genlab.metrics.measurement import Measurement, estimates, means_of
from genlab.metrics.sample_features import NUM, Choice, Comparison, compare
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

LISTED = 10  # copies that a protocol names
ANEW = (
    "samples drawn anew, the reference as it is; shares of real images by the jackknife"
)


@metrics.register
@needs("images", "sample")
def precision_recall(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    neighbours: Count = 3,
) -> Measurement:
    """Share of samples among the real images, and of real images among the samples.

    A set is the union of balls around its images that reach to the k-th nearest of the same set, so
    that both shares depend on both counts.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples.
      neighbours: of which the last is where a ball ends, k.

    Returns:
      `precision` and `recall` in [0, 1], and the same with `_floor`, of other real images, and
      `_at_floor`, of as many samples. Intervals are of samples drawn anew, the reference as it is.

    Raises:
      InputError: as `frechet`, or no more than k images of a set.

    Paper: Kynkaanniemi et al. 2019, arXiv:1904.06991
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    held = _held(seen, neighbours)
    of_samples = {f"precision{suffix}": one.inside for suffix, one in held.items()}
    of_reals = lambda one: (one.reached.mean(), one.reached_error, len(one.inside))
    recall = estimates("recall", held, of_reals, share=True)
    return _measured(seen, neighbours, means_of(of_samples), recall)


@metrics.register
@needs("images", "sample")
def density_coverage(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    neighbours: Count = 5,
) -> Measurement:
    """How crowded with real images it is around samples, and the share of real images with samples.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples.
      neighbours: of which the last is where a ball ends, k.

    Returns:
      `density`, real balls that a sample lies in over k, near 1 for real images and 0 or more;
      `coverage`, of real balls that hold a sample, in [0, 1]; the same with `_floor` and `_at_floor`.
      Intervals are of samples drawn anew, the reference as it is.

    Raises:
      InputError: as `frechet`, or no more than k images of a set.

    Paper: Naeem et al. 2020, arXiv:2002.09797
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    held = _held(seen, neighbours)
    crowds = {f"density{suffix}": one.crowd for suffix, one in held.items()}
    of_reals = lambda one: (one.covered.mean(), one.covered_error, len(one.inside))
    coverage = estimates("coverage", held, of_reals, share=True)
    return _measured(seen, neighbours, means_of(crowds), coverage)


@metrics.register
@needs("images", "sample")
def memorization(
    trained: Trained,
    split: str,
    *,
    features: Choice = "pixels",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
) -> Measurement:
    """Samples that copy training images, by the nearest of those; beside other real images.

    Args:
      trained: the model.
      split: where the real images come from that were not trained on.
      features: as of `frechet`.
      num: samples.
      num_reference: training images that are looked at; a copy of another is not found.
      reference: the split that was trained on.
      seed: of the samples.

    Returns:
      `copied`, share of samples whose nearest training image is nearer than a third of the second
      nearest; `authentic`, share of those further from it than it is from its own nearest; both in
      [0, 1] and the same with `_floor`; `nearer`, the chance that a sample lies nearer to a training
      image than an image of `split` does, 1/2 without copies. The protocol names copies: sample and
      training image, by their order.

    Raises:
      InputError: as `frechet`, or fewer than 3 training images.

    Papers: Alaa et al. 2022, arXiv:2102.08921; Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    train = seen.reference.features
    found = copying(seen.samples.features, train)
    scores = {"copied": found.copied, "authentic": found.authentic}
    protocol = {**seen.protocol, "copies": _copies(found)}
    if seen.floor is not None:
        floor = copying(seen.floor.features, train)
        scores |= {"copied_floor": floor.copied, "authentic_floor": floor.authentic}
    values, intervals = means_of(scores)
    if seen.floor is not None:
        values["nearer"] = nearer_share(found.distance, floor.distance)
    return Measurement(values, protocol, intervals)


def _held(seen: Comparison, neighbours: int) -> dict[str, Neighbourhoods]:
    """The neighbourhoods of the reference and each set that is held against it."""
    real = seen.reference.features
    return {
        suffix: neighbourhoods(real, ours.features, neighbours)
        for suffix, ours in seen.sets().items()
    }


def _measured(seen: Comparison, neighbours: int, *found: Any) -> Measurement:
    """What was found, values and intervals each."""
    values, intervals = (
        functools.reduce(operator.or_, each) for each in zip(*found, strict=True)
    )
    protocol = {**seen.protocol, "k": neighbours, "intervals": ANEW}
    return Measurement(values, protocol, intervals)


def _copies(found: Copying) -> list[str]:
    """The nearest of the copies, `sample 7 of 120`."""
    rows = np.flatnonzero(found.copied)
    rows = rows[np.argsort(found.distance[rows], kind="stable")][:LISTED]
    return [f"sample {row} of {found.nearest[row]}" for row in rows]


def _check(
    experiment: Any,
    data: Any,
    *,
    num: int,
    num_reference: int,
    reference: str,
    neighbours: int = 2,
    **knobs: Any,
) -> None:
    counts = dict(num=num, num_reference=num_reference, reference=reference)
    sample_features.check(experiment, data, **counts, **knobs)
    there = min(num, num_reference, data.splits[reference].size)
    if there <= neighbours:
        raise InputError(
            f"{neighbours} nearest neighbours among {there} images; take more images, or fewer"
            " neighbours"
        )


precision_recall.check = density_coverage.check = memorization.check = _check
