"""How close translations are to the truth, and to the domain that they should be of."""

import numpy as np

from genlab.errors import InputError
from genlab.feature_network import load_feature_network
from genlab.metrics import image_quality
from genlab.metrics.frechet import frechet_distance, moments_of
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import (
    BATCH,
    feature_batches,
    to_unit,
    translate_split,
)
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def translation(
    trained: Trained, split: str, *, num: int = 1000, batch_size: int = BATCH
) -> Measurement:
    """L1, PSNR, SSIM and sharpness against the true partners, beside the inputs as they are.

    Args:
      trained: the model.
      split: of true pairs.
      num: examples, an even spread over the split.
      batch_size: examples translated together, which batch normalisation looks across.

    Returns:
      `l1` in [0, 1], `psnr` (dB), `ssim`, and `sharpness` as a share of the targets', each a mean
      over images; the same with `_input`, or `_nearest` and `_bicubic` where the input is smaller.

    Raises:
      InputError: the experiment does not translate, or held-out examples have no true partner.
    """
    if not trained.data.paired:
        raise InputError(
            f"metric 'translation' needs true pairs, which {trained.data.name!r} does not have;"
            " 'frechet_translation' needs none"
        )
    found = translate_split(trained, split, num=num, batch_size=batch_size)
    values = _scores(found.outputs, found.y)
    for name, images in found.baselines().items():
        for score, value in _scores(images, found.y).items():
            values[f"{score}_{name}"] = value
    protocol = {
        "split": split,
        "examples": len(found.y),
        "batch_size": batch_size,
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
    num: int = 1000,
    num_reference: int = 10_000,
    reference: str = "train",
    batch_size: int = BATCH,
) -> Measurement:
    """Frechet distance of translations to the target domain, in the features of a classifier run.

    Args:
      trained: the model.
      split: whose inputs are translated.
      run: folder of a finished run of 'classifier'; the value is named after its data and network.
      num: inputs, an even spread over the split.
      num_reference: images of the target domain, an even spread over the reference split.
      reference: split of the reference images.
      batch_size: examples translated together, which batch normalisation looks across.

    Returns:
      `frechet_NAME` of the outputs, and the same of the inputs as they are with `_input` (or
      `_nearest` and `_bicubic`).

    Raises:
      InputError: the experiment does not translate, no such run or split, or fewer than 2 examples.

    Paper: Heusel et al. 2017, arXiv:1706.08500, in other features
    """
    if reference not in trained.data.splits:
        raise InputError(
            f"reference={reference!r} is no split; one of {', '.join(trained.data.splits)}"
        )
    network = load_feature_network(run)
    found = translate_split(trained, split, num=num, batch_size=batch_size)
    targets = to_unit(
        trained, trained.examples(reference, num_reference, spread=True)["y"]
    )
    truth = moments_of(feature_batches(network, targets))
    images = {"": found.outputs}
    images |= {f"_{name}": guess for name, guess in found.baselines().items()}
    values = {
        f"frechet_{network.name}{suffix}": frechet_distance(
            moments_of(feature_batches(network, guess)), truth
        )
        for suffix, guess in images.items()
    }
    protocol = {
        "split": split,
        "examples": len(found.outputs),
        "reference": f"{len(targets)} of {reference}",
        "features": f"{network.name}, {network.step} rounds, layer before the logits",
        "resize": f"bilinear, antialiased, to {network.shape[0]} x {network.shape[1]}",
        "batch_size": batch_size,
        "seed": trained.seed,
    }
    return Measurement(values, protocol)


def _scores(images: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    sharp = image_quality.sharpness(images).mean()
    return {
        "l1": float(image_quality.l1(images, targets).mean()),
        "psnr": float(image_quality.psnr(images, targets).mean()),
        "ssim": float(image_quality.ssim(images, targets).mean()),
        "sharpness": float(sharp / max(image_quality.sharpness(targets).mean(), 1e-12)),
    }
