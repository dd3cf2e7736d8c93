"""The spatial frequencies of samples beside those of real images."""

import numpy as np

from genlab.distances import spectrum
from genlab.metrics.spectrum import power_of
from genlab.numbers import Count
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("images", "sample")
def frequency_spectrum(trained: Trained, *, num: Count = 1000) -> np.ndarray:
    """Power of samples and of real images over waves a side, in dB.

    Upsampling by transposed convolutions shows as a hump or a rise at the right end, where pixels
    alternate; blur as a fall below the data.

    Args:
      trained: the model.
      num: samples, and training images at most.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `sample`, or examples are not images.

    Paper: Durall et al. 2020, arXiv:2003.01826
    """
    sets = {
        "training images": (trained.examples("train", num)["x"], figure.INK),
        "samples": (trained.sample(num), figure.ACCENT),
    }
    axes = figure.new_axes()
    for name, (images, color) in sets.items():
        rings = spectrum.radial(power_of(trained, images))
        waves = np.arange(1, len(rings) + 1)
        axes.plot(waves, spectrum.decibels(rings), ".-", color=color, label=name)
    axes.set_xlabel("waves a side", color=figure.INK)
    axes.set_ylabel("power, dB", color=figure.INK)
    axes.legend(frameon=False, labelcolor=figure.INK)
    return figure.render(axes.figure)
