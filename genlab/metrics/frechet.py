"""Frechet distances of samples to real images; FID is the one in the features of the original."""

from typing import Any

from genlab.distances.frechet import (
    frechet_at_infinity,
    frechet_distance,
    frechet_error,
    moments_of,
    rank_warning,
)
from genlab.errors import InputError
from genlab.metrics.measurement import Measurement, estimates
from genlab.metrics.sample_features import NUM, Choice, Comparison, check, compare
from genlab.metrics.seen import Seen
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "sample")
def frechet(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
) -> Measurement:
    """Frechet distance of samples to real images, in features that it is named after.

    Both sets of features are taken to be Gaussian, with means m, m' and covariances S, S':

      ||m - m'||^2 + tr(S + S' - 2 (S S')^(1/2)).

    Few images make every distance larger than it is: `_floor` is that of other real images, and where
    there are fewer of them, `_at_floor` that of as many samples, to be held against it.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: a name, or dict(name=..., knob=...), see `genlab list features`.
      num: samples.
      num_reference: real images, an even spread over the reference split.
      reference: split of the real images that all others are held against.
      seed: of the samples, beside that of the run.

    Returns:
      `frechet_FEATURES`, and the same with `_floor` and `_at_floor`, in the squared unit of the
      features; intervals by the jackknife over the images, the reference as it is.

    Raises:
      InputError: features that do not serve, fewer than 2 images, or samples that are not finite.

    Paper: Heusel et al. 2017, arXiv:1706.08500, in other features
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    name = "fid" if seen.network.original else f"frechet_{seen.name}"
    return _measured(name, seen)


@metrics.register
@needs("images", "sample")
def fid(
    trained: Trained,
    split: str,
    *,
    weights: str = "",
    num: Count = 50_000,
    num_reference: Count = 50_000,
    reference: str = "train",
    seed: Seed = 0,
) -> Measurement:
    """Frechet Inception distance: that of `frechet` in the features of the original Inception-v3.

    Args:
      trained: the model.
      split: as of `frechet`.
      weights: file of the original weights, which are not shipped.
      num: as of `frechet`.
      num_reference: as of `frechet`.
      reference: as of `frechet`.
      seed: as of `frechet`.

    Returns:
      `fid`, `fid_floor` and `fid_at_floor`, in the squared unit of the features.

    Raises:
      InputError: no weights, or other ones; and as `frechet`.

    Paper: Heusel et al. 2017, arXiv:1706.08500
    """
    features = _inception(weights)
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    return _measured("fid", seen)


@metrics.register
@needs("images", "sample")
def frechet_infinity(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    points: Count = 15,
) -> Measurement:
    """The Frechet distance that infinitely many samples would have, from a line in 1 / samples.

    It is a of the line a + b / N through the distances of N samples, for `points` N. What the count of
    the reference adds stays; the floor has it too.

    Args:
      trained: the model.
      split: as of `frechet`.
      features: as of `frechet`.
      num: as of `frechet`, the largest count of the line; a tenth of it, or what exceeds the width of
        the features, is the smallest.
      num_reference: as of `frechet`.
      reference: as of `frechet`.
      seed: of the samples and of the draws among them.
      points: counts, 3 or more.

    Returns:
      `frechet_infinity_FEATURES` and the same with `_floor` and `_at_floor`, in the squared unit of
      the features; intervals by the scatter around the line and the jackknife over the images, the
      reference as it is.

    Raises:
      InputError: as `frechet`, or images so few that there is no line.

    Paper: Chong & Forsyth 2020, arXiv:1911.07023
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    truth = moments_of([seen.reference.features])
    name = f"frechet_infinity_{seen.name}"
    sizes = lambda ours: _sizes(*ours.features.shape, points)

    def one(ours: Seen) -> tuple[float, float, int]:
        value, error = frechet_at_infinity(ours.features, truth, sizes(ours), seed)
        return value, error, points - 1  # of the line's points less its slope

    values, intervals = estimates(name, seen.sets(), one)
    counts = {f"{name}{suffix}": sizes(ours) for suffix, ours in seen.sets().items()}
    told = {key: f"{found[0]} to {found[-1]}" for key, found in counts.items()}
    protocol = {**seen.protocol, "points": points, "counts": told}
    smallest = len(seen.reference), *(found[0] for found in counts.values())
    protocol |= rank_warning(seen.network.width, *smallest)
    return Measurement(values, protocol, intervals)


def _sizes(count: int, width: int, points: int) -> list[int]:
    smallest = max(count // 10, min(width + 1, count // 2), 2)
    step = (count - smallest) / max(points - 1, 1)
    return [round(smallest + step * index) for index in range(points)]


def _measured(name: str, seen: Comparison) -> Measurement:
    truth = moments_of([seen.reference.features])

    def one(ours: Seen) -> tuple[float, float, int]:
        value = frechet_distance(moments_of([ours.features]), truth)
        return value, frechet_error(ours.features, truth), len(ours)

    sets = seen.sets()
    values, intervals = estimates(name, sets, one)
    counts = len(seen.reference), *map(len, sets.values())
    protocol = {
        **seen.protocol,
        "intervals": "jackknife over the images, the reference as it is",
        **rank_warning(seen.network.width, *counts),
    }
    return Measurement(values, protocol, intervals)


def _inception(weights: str) -> dict[str, str]:
    if not weights:
        raise InputError(
            "metric 'fid' is of the original Inception weights alone, which genlab does not ship:"
            " name their file, weights=PATH (pt_inception-2015-12-05-6726825d.pth of"
            " pytorch-fid), or take 'frechet' in features that are there, features='random' or"
            " dict(name='run', run=DIR)"
        )
    return dict(name="inception", weights=weights)


def _check_fid(experiment: Any, data: Any, *, weights: str, **knobs: Any) -> None:
    check(experiment, data, features=_inception(weights), **knobs)


def _check_infinity(
    experiment: Any, data: Any, *, num: int, points: int, **knobs: Any
) -> None:
    check(experiment, data, num=num, **knobs)
    if points < 3 or num < 10:
        raise InputError(
            f"a line through {points} counts up to {num}; it needs 3 points and 10 samples"
        )


frechet.check, fid.check = check, _check_fid
frechet_infinity.check = _check_infinity
