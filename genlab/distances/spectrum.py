"""How the power of images is spread over spatial frequencies, and what upsampling leaves in it."""

import numpy as np

SMALLEST = 1e-12  # power of a pixel in [0, 1], far below one level of 256


def power(gray: np.ndarray) -> np.ndarray:
    """Mean squared Fourier amplitude, [H, W], of gray images `gray: [N, H, W] in [0, 1]`.

    Frequency 0, which holds the mean brightness, is at [0, 0]; the sum is that of the squared pixels.
    """
    amplitudes = np.abs(np.fft.fft2(gray.astype(np.float64))) ** 2
    return amplitudes.mean(axis=0) / gray[0].size


def radial(power: np.ndarray) -> np.ndarray:
    """Mean power in rings of `power: [H, W]`: [R], of 1, 2, ..., R = min(H, W) // 2 waves a side.

    The last ring is at half a wave for each pixel along an axis, as fast as pixels can alternate.

    Paper: Durall et al. 2020, arXiv:2003.01826 (azimuthal integral)
    """
    height, width = power.shape
    side = min(height, width)
    down, right = np.fft.fftfreq(height), np.fft.fftfreq(width)
    ring = np.rint(side * np.hypot(down[:, None], right[None])).astype(int)
    total = np.bincount(ring.ravel(), power.ravel())
    return (total / np.maximum(np.bincount(ring.ravel()), 1))[1 : side // 2 + 1]


def decibels(power: np.ndarray) -> np.ndarray:
    """10 log10 of the power."""
    return 10 * np.log10(np.maximum(power, SMALLEST))


def pattern(power: np.ndarray) -> float | None:
    """How far the frequencies of an upsampling's pattern stand out of those around them, in dB.

    Layers that double an image leave what repeats every 2 or 4 pixels: frequencies that are multiples
    of a quarter along both axes. Their mean level is held against that of their eight neighbours, so
    that 0 is no pattern whatever the images show.

    Returns:
      None where a side cannot be divided by 4, or is below 16 and has no neighbours of its own.

    Paper: Odena, Dumoulin & Olah 2016, doi:10.23915/distill.00003
    """
    if min(power.shape) < 16 or power.shape[0] % 4 or power.shape[1] % 4:
        return None
    level = decibels(power)
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    around = np.mean([np.roll(level, shift, (0, 1)) for shift in shifts], axis=0)
    down, right = (side // 4 for side in power.shape)
    above = (level - around)[::down, ::right].ravel()[1:]  # but for the mean brightness
    return float(np.mean(above))
