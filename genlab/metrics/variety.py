"""How sure a classifier is of samples, and how varied they are, with real images beside them."""

from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.distances import spread
from genlab.distances.spread import (
    inception_score_error,
    inception_scores,
    vendi,
    vendi_error,
)
from genlab.errors import InputError
from genlab.metrics import sample_features
from genlab.metrics.image_quality import WINDOW, ms_ssim, scales_of
from genlab.metrics.measurement import Measurement, estimates, means_of
from genlab.metrics.sample_features import NUM, Choice
from genlab.metrics.seen import Seen, of_examples, of_samples
from genlab.metrics.translations import to_unit
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

RESAMPLES = 20


@metrics.register
@needs("images", "sample")
def inception_score(
    trained: Trained,
    split: str,
    *,
    features: Choice,
    num: Count = NUM,
    seed: Seed = 0,
    splits: Count = 10,
) -> Measurement:
    """exp E KL(p(y|x) || p(y)) of samples by a classifier; the Inception score by Inception alone.

    Args:
      trained: the model.
      split: where the real images come from whose score stands beside.
      features: those of a classifier, dict(name="run", run=DIR).
      num: samples, and real images at most.
      seed: of the samples and of their order.
      splits: parts over which the mean is taken.

    Returns:
      `inception_score_FEATURES`, from 1 to the number of classes and the lower the smaller the
      splits; the same with `_real`, in parts as large where there are enough, and where there are
      fewer real images than samples with `_at_real`, of as many samples in as many parts. Intervals
      are by the bootstrap over images.

    Raises:
      InputError: features without classes, fewer images than splits.

    Paper: Salimans et al. 2016, arXiv:1606.03498
    """
    network = _check_score(
        trained.experiment, trained.data, features=features, num=num, splits=splits
    )

    parts = lambda seen: max(1, splits * len(seen) // num)  # of as many images each

    def one(seen: Seen) -> tuple[float, float, int]:
        found = inception_scores(seen.logits, splits=parts(seen), seed=seed)
        error = inception_score_error(seen.logits, seed)
        return float(found.mean()), error, spread.RESAMPLES

    sets = _beside(trained, network, split, num, seed)
    values, intervals = estimates(f"inception_score_{network.name}", sets, one)
    protocol = sample_features.protocol_of(trained, network, num, seed)
    real = sets["_real"]
    protocol["splits"] = (
        f"{splits} of {num // splits} samples,"
        f" {parts(real)} of {len(real) // parts(real)} real images"
    )
    return Measurement(values, protocol, intervals)


@metrics.register
@needs("images", "sample")
def vendi_score(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = 1000,
    seed: Seed = 0,
) -> Measurement:
    """How many samples that have nothing in common would be as varied, by the cosines of features.

    exp(-sum_i l_i log l_i) with l_i the eigenvalues of K / N, K the cosines of the pairs of N samples.

    Args:
      trained: the model.
      split: where the real images come from whose score stands beside.
      features: as of `frechet`.
      num: samples, and real images at most.
      seed: of the samples.

    Returns:
      `vendi_FEATURES`, from 1 to the smaller of images and features, and the same with `_real` and,
      where there are fewer real images than samples, with `_at_real`, of as many samples; intervals
      by the bootstrap over images, whose resamples hold copies.

    Raises:
      InputError: as `frechet`.

    Paper: Friedman & Dieng 2023, arXiv:2210.02410
    """
    network = sample_features.check(
        trained.experiment, trained.data, features=features, num=num
    )

    def one(seen: Seen) -> tuple[float, float, int]:
        error = vendi_error(seen.features, RESAMPLES, seed)
        return vendi(seen.features), error, RESAMPLES

    sets = _beside(trained, network, split, num, seed)
    values, intervals = estimates(f"vendi_{network.name}", sets, one)
    protocol = sample_features.protocol_of(trained, network, num, seed)
    return Measurement(values, protocol, intervals)


@metrics.register
@needs("images", "sample")
def ms_ssim_diversity(
    trained: Trained, split: str, *, num: Count = 500, seed: Seed = 0
) -> Measurement:
    """Mean MS-SSIM of pairs of samples, the lower the more varied, beside that of real images.

    Args:
      trained: the model.
      split: where the real images come from.
      num: pairs, each of two samples that no other pair has.
      seed: of the samples and of who is paired with whom.

    Returns:
      `ms_ssim` and `ms_ssim_real`, in [0, 1].

    Raises:
      InputError: images smaller than the window.

    Paper: Odena, Olah & Shlens 2017, arXiv:1610.09585, over all classes together
    """
    _check_size(trained.experiment, trained.data)
    scales = scales_of(*trained.data.example_shape[:2])
    count = min(num, trained.data.splits[split].size // 2)
    sets = {
        "": to_unit(trained, trained.sample(2 * num, seed=seed)),
        "_real": to_unit(trained, trained.examples(split, 2 * count)["x"]),
    }
    scores = {}
    for suffix, images in sets.items():
        # In their own order, spread over a sorted split, neighbours are never of one class.
        order = np.random.default_rng(seed).permutation(len(images))
        one, other = images[order[::2]], images[order[1::2]]
        scores[f"ms_ssim{suffix}"] = ms_ssim(one, other, scales)
    values, intervals = means_of(scores)
    protocol = {
        "split": split,
        "pairs": f"{num} of samples, {count} of real images",
        "scales": scales,
        "range": "[0, 1]",
        "seed": f"{trained.seed}, samples {seed}",
    }
    return Measurement(values, protocol, intervals)


def _beside(
    trained: Trained, network: Any, split: str, num: int, seed: int
) -> dict[str, Seen]:
    """Samples and real images, by the suffix of their values; where these are fewer, `_at_real` as
    many samples, since few images look less varied."""
    samples = of_samples(trained, network, num, seed=seed)
    real = of_examples(trained, network, split, num)
    found = {"": samples, "_real": real}
    if len(real) < num:
        found["_at_real"] = samples.first(len(real))
    return found


def _check_score(
    experiment: Any, data: Dataset, *, num: int, splits: int, **knobs: Any
) -> Any:
    if num < splits:
        raise InputError(
            f"{num} samples cannot be cut into {splits} splits; ask for more"
        )
    return sample_features.check(experiment, data, num=num, classes=True, **knobs)


def _check_size(experiment: Any, data: Dataset, **knobs: Any) -> None:
    if not scales_of(*data.example_shape[:2]):
        raise InputError(
            f"MS-SSIM needs images of {WINDOW} pixels or more on a side, not"
            f" {data.example_shape[0]} x {data.example_shape[1]}; 'vendi_score' needs none"
        )


inception_score.check, vendi_score.check = _check_score, sample_features.check
ms_ssim_diversity.check = _check_size
ms_ssim_diversity.images_each = 2  # in a pair
