"""How close translations are to the truth, and to the domain that they should be of."""

from typing import Any

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.distances.frechet import (
    Gaussian,
    frechet_distance,
    frechet_error,
    moments_of,
    rank_warning,
)
from genlab.errors import InputError
from genlab.features.classifier import FeatureNetwork, load_feature_network
from genlab.game.experiment import Experiment
from genlab.metrics import image_quality
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.translations import (
    CHUNK,
    Translations,
    feature_batches,
    in_chunks,
    to_unit,
    translate_split,
)
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("translate")
def translation(trained: Trained, split: str, *, num: Count = 1000) -> Measurement:
    """L1, PSNR, SSIM and sharpness against the true partners, beside the inputs as they are.

    Args:
      trained: the model.
      split: of true pairs.
      num: examples, an even spread over the split.

    Returns:
      `l1` in [0, 1], `psnr` (dB), `ssim`, and `sharpness` as a share of the targets', each a mean
      over images; the same with `_input`, or `_nearest` and `_bicubic` where the input is smaller.
      Where inputs have holes those without one do not count; `l1`, `psnr` and `ssim` are those inside
      the holes alone, and of the whole images with `_whole`. Of enlarged inputs `psnr_shaved` and
      `ssim_shaved` are of the luminance without as many pixels at the edges as the factor, as the
      literature has them.

    Raises:
      InputError: the experiment does not translate, held-out examples have no true partner, no
        input has a hole where some should, or images are below 11 pixels, the window of SSIM.
    """
    _check_translation(trained.experiment, trained.data)
    found = translate_split(trained, split, num=num).with_holes()
    scores = {
        f"{score}{suffix}": each
        for suffix, images in found.guesses().items()
        for score, each in _scores(images, found).items()
    }
    values, intervals = means_of(scores)
    sharp = image_quality.sharpness(found.y).mean()
    for suffix, images in found.guesses().items():
        share = image_quality.sharpness(images).mean() / max(sharp, 1e-12)
        values[f"sharpness{suffix}"] = float(share)
    protocol = {
        **found.protocol,
        "range": "[0, 1]",
        "counted": "all pixels" if found.holes is None else "pixels inside the holes",
        **_enlargement(found),
        "ssim": "Gaussian window 11, deviation 1.5",
        "sharpness": "variance of the Laplacian, share of the targets'",
    }
    return Measurement(values, protocol, intervals)


@metrics.register
@needs("translate")
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

    So few images as a split has make every distance larger than it is: the floor is that of as many
    real targets of the split.

    Args:
      trained: the model.
      split: whose inputs are translated.
      run: folder of a finished run of 'classifier'; the value is named after its data and network.
      num: inputs, an even spread over the split.
      num_reference: images of the target domain, an even spread over the reference split.
      reference: split of the reference images.

    Returns:
      `frechet_NAME` of the outputs, `frechet_NAME_deviation` of it by the jackknife, and the same of
      the inputs as they are with `_input` (or `_nearest` and `_bicubic`) and of the split's own
      targets with `_floor`.

    Raises:
      InputError: the experiment does not translate, no such run or split, or fewer than 2 examples.

    Paper: Heusel et al. 2017, arXiv:1706.08500, in other features
    """
    _check_frechet(trained.experiment, trained.data, run=run, reference=reference)
    network = load_feature_network(run)
    found = translate_split(trained, split, num=num)
    truth = trained.once(
        ("moments of targets", network.checksum, reference, num_reference),
        lambda: _moments_of_targets(trained, network, reference, num_reference),
    )
    values = {}
    for suffix, images in {**found.guesses(), "_floor": found.y}.items():
        features = np.concatenate(list(feature_batches(network, in_chunks(images))))
        ours = moments_of([features])
        name = f"frechet_{network.name}{suffix}"
        values[name] = frechet_distance(ours, truth)
        values[f"{name}_deviation"] = frechet_error(features, truth)
    count = min(num_reference, trained.data.splits[reference].size)
    protocol = {
        **found.protocol,
        "reference": f"{count} of {reference}",
        "floor": f"{len(found.y)} real targets of {split}",
        "deviation": "jackknife over the images, the reference as it is",
        **rank_warning(len(ours.mean), ours.count, truth.count),
        "features": f"{network.name}, {network.step} rounds, layer before the logits",
        "classifier": f"run {network.run}, weights {network.checksum}",
        "resize": network.input.protocol["resize"]
        + f", to {network.input.protocol['input']}",
    }
    return Measurement(values, protocol)


def _moments_of_targets(
    trained: Trained, network: FeatureNetwork, reference: str, num: int
) -> Gaussian:
    """The Gaussian of features of the target domain."""
    chunks = trained.examples_in_chunks(reference, num, CHUNK)
    images = (to_unit(trained, examples["y"]) for examples in chunks)
    return moments_of(feature_batches(network, images))


def _check_translation(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del experiment, knobs
    if not data.paired:
        raise InputError(
            f"metric 'translation' needs true pairs, which {data.name!r} does not have;"
            " 'frechet_translation' needs none"
        )
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
    reference: str,
    **knobs: Any,
) -> None:
    del experiment, knobs
    if reference not in data.splits:
        raise InputError(
            f"reference={reference!r} is no split; one of {', '.join(data.splits)}"
        )
    images = jax.ShapeDtypeStruct((1, *data.target_shape), np.float32)
    jax.eval_shape(load_feature_network(run).features, images)


translation.check = _check_translation
frechet_translation.check = _check_frechet


def _scores(images: np.ndarray, found: Translations) -> dict[str, np.ndarray]:
    """Scores of each of the images, [N], by name."""
    y, holes = found.y, found.holes
    scores = {
        "l1": image_quality.l1(images, y, holes),
        "psnr": image_quality.psnr(images, y, holes),
        "ssim": image_quality.ssim(images, y, holes),
    }
    if holes is not None:
        scores["l1_whole"] = image_quality.l1(images, y)
        scores["psnr_whole"] = image_quality.psnr(images, y)
        scores["ssim_whole"] = image_quality.ssim(images, y)
    if border := _border(found):
        inner = [
            image_quality.shaved(image_quality.luminance(each), border)
            for each in (images, y)
        ]
        scores["psnr_shaved"] = image_quality.psnr(*inner)
        scores["ssim_shaved"] = image_quality.ssim(*inner)
    return scores


def _border(found: Translations) -> int:
    """The factor by which inputs are enlarged, where enough of the images is left without it at the
    edges; else 0."""
    factor = found.y.shape[1] // found.x.shape[1]
    inside = min(found.y.shape[1:3]) - 2 * factor
    return factor if factor > 1 and inside >= image_quality.WINDOW else 0


def _enlargement(found: Translations) -> dict[str, str]:
    border = _border(found)
    if not border:
        return {}
    return {
        "bicubic": "as MATLAB's imresize: Keys' kernel, a = -1/2, edges mirrored",
        "shaved": f"{border} pixels at each edge, luminance of ITU-R 601 in studio range",
    }
