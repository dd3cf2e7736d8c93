"""How close translations are to the truth, and to the domain that they should be of."""

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.experiment import Experiment
from genlab.feature_network import FeatureNetwork, load_feature_network
from genlab.metrics import image_quality
from genlab.metrics.frechet import frechet_distance, moments_of
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import (
    CHUNK,
    check_translates,
    feature_batches,
    in_chunks,
    to_unit,
    translate_split,
)
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def translation(trained: Trained, split: str, *, num: Count = 1000) -> Measurement:
    """L1, PSNR, SSIM and sharpness against the true partners, beside the inputs as they are.

    Args:
      trained: the model.
      split: of true pairs.
      num: examples, an even spread over the split.

    Returns:
      `l1` in [0, 1], `psnr` (dB), `ssim`, and `sharpness` as a share of the targets', each a mean
      over images; the same with `_input`, or `_nearest` and `_bicubic` where the input is smaller.

    Raises:
      InputError: the experiment does not translate, held-out examples have no true partner, or
        images are below 11 pixels, the window of SSIM.
    """
    _check_translation(trained.experiment, trained.data, num=num)
    found = translate_split(trained, split, num=num)
    values = {
        f"{score}{suffix}": value
        for suffix, images in found.guesses().items()
        for score, value in _scores(images, found.y).items()
    }
    protocol = {
        **found.protocol,
        "range": "[0, 1]",
        "ssim": "Gaussian window 11, deviation 1.5",
        "sharpness": "variance of the Laplacian, share of the targets'",
    }
    return Measurement(values, protocol)


@metrics.register
def frechet_translation(
    trained: Trained,
    split: str,
    *,
    run: str,
    num: Count = 1000,
    num_reference: Count = 10_000,
    reference: str = "train",
) -> Measurement:
    """Frechet distance of translations to the target domain, in the features of a classifier run.

    Args:
      trained: the model.
      split: whose inputs are translated.
      run: folder of a finished run of 'classifier'; the value is named after its data and network.
      num: inputs, an even spread over the split.
      num_reference: images of the target domain, an even spread over the reference split.
      reference: split of the reference images.

    Returns:
      `frechet_NAME` of the outputs, and the same of the inputs as they are with `_input` (or
      `_nearest` and `_bicubic`).

    Raises:
      InputError: the experiment does not translate, no such run or split, or fewer than 2 examples.

    Paper: Heusel et al. 2017, arXiv:1706.08500, in other features
    """
    _check_frechet(
        trained.experiment,
        trained.data,
        run=run,
        num=num,
        num_reference=num_reference,
        reference=reference,
    )
    network = load_feature_network(run)
    found = translate_split(trained, split, num=num)
    truth = trained.once(
        ("moments of targets", network.checksum, reference, num_reference),
        lambda: _moments_of_targets(trained, network, reference, num_reference),
    )
    values = {
        f"frechet_{network.name}{suffix}": frechet_distance(
            moments_of(feature_batches(network, in_chunks(guess))), truth
        )
        for suffix, guess in found.guesses().items()
    }
    count = min(num_reference, trained.data.splits[reference].size)
    protocol = {
        **found.protocol,
        "reference": f"{count} of {reference}",
        "features": f"{network.name}, {network.step} rounds, layer before the logits",
        "classifier": f"run {network.run}, weights {network.checksum}",
        "resize": f"bilinear, antialiased, to {network.shape[0]} x {network.shape[1]}",
    }
    return Measurement(values, protocol)


def _moments_of_targets(
    trained: Trained, network: FeatureNetwork, reference: str, num: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean [F] and covariance [F, F] of features of the target domain."""
    chunks = trained.examples_in_chunks(reference, num, CHUNK)
    images = (to_unit(trained, examples["y"]) for examples in chunks)
    return moments_of(feature_batches(network, images))


def _check_translation(experiment: Experiment, data: Dataset, *, num: int) -> None:
    if not data.paired:
        raise InputError(
            f"metric 'translation' needs true pairs, which {data.name!r} does not have;"
            " 'frechet_translation' needs none"
        )
    check_translates(experiment, num=num)
    if min(data.target_shape[:2]) < image_quality.WINDOW:
        raise InputError(
            f"metric 'translation' has SSIM, which needs images of {image_quality.WINDOW} pixels"
            f" or more on a side, not {data.target_shape[0]} x {data.target_shape[1]}"
        )


def _check_frechet(
    experiment: Experiment,
    data: Dataset,
    *,
    run: str,
    num: int,
    num_reference: int,
    reference: str,
) -> None:
    check_translates(experiment, num=num, num_reference=num_reference)
    if reference not in data.splits:
        raise InputError(
            f"reference={reference!r} is no split; one of {', '.join(data.splits)}"
        )
    images = jax.ShapeDtypeStruct((1, *data.target_shape), np.float32)
    jax.eval_shape(load_feature_network(run).features, images)


translation.check = _check_translation
frechet_translation.check = _check_frechet


def _scores(images: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    sharp = image_quality.sharpness(images).mean()
    return {
        "l1": float(image_quality.l1(images, targets).mean()),
        "psnr": float(image_quality.psnr(images, targets).mean()),
        "ssim": float(image_quality.ssim(images, targets).mean()),
        "sharpness": float(sharp / max(image_quality.sharpness(targets).mean(), 1e-12)),
    }
