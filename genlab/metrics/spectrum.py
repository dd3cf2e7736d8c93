"""Whether samples, or translations, have the spatial frequencies of real images."""

import numpy as np

from genlab.data.images import luma
from genlab.distances import spectrum
from genlab.metrics.measurement import Measurement, beside, finite
from genlab.metrics.translations import to_unit, translate_split
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "sample")
def frequency_spectrum(
    trained: Trained, split: str, *, num: Count = 1000, reference: str = "train"
) -> Measurement:
    """How far the power of samples over spatial frequencies is from that of real images.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      num: samples, and real images of either split at most.
      reference: split of the real images that samples are held against.

    Returns:
      `distance`, the mean over the rings of the spectrum of the absolute difference in dB, and
      `pattern`, how far in dB what repeats every 2 or 4 pixels stands out, which layers that double
      an image leave; the same of real images with `_floor`, and of as many samples with `_at_floor` where those are
      fewer. No `pattern` of images whose sides cannot
      be divided by 4 or are below 16.

    Papers: Durall et al. 2020, arXiv:2003.01826; Odena, Dumoulin & Olah 2016,
      doi:10.23915/distill.00003
    """
    real = power_of(trained, trained.examples(reference, num)["x"])
    held_out = trained.examples(split, num)["x"] if split != reference else None
    values = {}
    for suffix, images in beside(finite(trained.sample(num)), held_out).items():
        values |= compared(power_of(trained, images), real, suffix)
    protocol = {
        "samples": num,
        "reference": f"{min(num, trained.data.splits[reference].size)} of {reference}",
        "floor": "none, its split is the reference"
        if held_out is None
        else f"{len(held_out)} real images of {split}",
        "of": "luminance",
        "seed": trained.seed,
    }
    return Measurement(values, protocol)


@metrics.register
@needs("translate")
def translation_spectrum(
    trained: Trained, split: str, *, num: Count = 1000
) -> Measurement:
    """How far the power of translations over spatial frequencies is from that of their true partners.

    Args:
      trained: the model.
      split: of true pairs, or of images of both domains.
      num: inputs, an even spread over the split.

    Returns:
      `distance` and `pattern` as `frequency_spectrum` has them, of the outputs held against the targets of the
      same split; the same of the inputs as they are with `_input` (or `_nearest` and `_bicubic`), and
      `pattern_targets`.

    Raises:
      InputError: the experiment does not translate.

    Papers: as of `frequency_spectrum`
    """
    found = translate_split(trained, split, num=num)
    power = lambda images: spectrum.power(luma(images)[..., 0])
    real, values = power(found.y), {}
    for suffix, images in found.guesses().items():
        values |= compared(power(images), real, suffix)
    if (own := spectrum.pattern(real)) is not None:
        values["pattern_targets"] = own
    return Measurement(values, {**found.protocol, "of": "luminance"})


def power_of(trained: Trained, images: np.ndarray) -> np.ndarray:
    """`spectrum.power` of the luminance of images in the model's range."""
    return spectrum.power(luma(to_unit(trained, images))[..., 0])


def compared(ours: np.ndarray, real: np.ndarray, suffix: str = "") -> dict[str, float]:
    """`distance` and `pattern` of the power of images, [H, W], beside that of real ones."""
    ours_told, real_told = (
        spectrum.decibels(spectrum.radial(power)) for power in (ours, real)
    )
    values = {f"distance{suffix}": float(np.mean(np.abs(ours_told - real_told)))}
    if (found := spectrum.pattern(ours)) is not None:
        values[f"pattern{suffix}"] = found
    return values
