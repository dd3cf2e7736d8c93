"""How close an image is to the true one, and how sharp it is; per image, in float64.

Where a `region` is given, `[N, H, W, 1]`, 1 inside and 0 elsewhere, what lies outside does not count:
a hole of an image is scored by what was put into it. Every region holds a pixel.
"""

import numpy as np
from scipy import ndimage

from genlab.errors import InputError

WINDOW = 11  # side of SSIM's Gaussian window, of deviation 1.5
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of MS-SSIM's scales
_LUMA = np.array([0.299, 0.587, 0.114])


def l1(
    images: np.ndarray, targets: np.ndarray, region: np.ndarray | None = None
) -> np.ndarray:
    """Mean absolute difference, [N], of two `[N, H, W, C] in [0, 1]`."""
    return _mean(np.abs(_difference(images, targets)), region)


def psnr(
    images: np.ndarray, targets: np.ndarray, region: np.ndarray | None = None
) -> np.ndarray:
    """Peak signal-to-noise ratio, 10 log10(1 / mean squared difference), in dB.

    Args:
      images: [N, H, W, C] in [0, 1].
      targets: [N, H, W, C] in [0, 1].
      region: [N, H, W, 1], where the difference counts; None counts all.

    Returns:
      [N]; 100 dB and more count as 100.
    """
    squared = _mean(np.square(_difference(images, targets)), region)
    return -10 * np.log10(np.maximum(squared, 1e-10))


def ssim(
    images: np.ndarray, targets: np.ndarray, region: np.ndarray | None = None
) -> np.ndarray:
    """Structural similarity, mean of (2 m n + c)(2 s_mn + d) / ((m^2 + n^2 + c)(s_m^2 + s_n^2 + d)).

    Means m and n, variances and covariance are weighted by an 11 x 11 Gaussian window of deviation
    1.5; c = 0.01^2, d = 0.03^2; the mean is over all windows inside the image and all channels.

    Args:
      images: [N, H, W, C] in [0, 1].
      targets: [N, H, W, C] in [0, 1].
      region: [N, H, W, 1], where the centres of the windows that count lie; None counts all, and a
        region without a centre counts all too.

    Returns:
      [N] in [-1, 1].

    Raises:
      InputError: images smaller than the window.

    Paper: Wang et al. 2004, IEEE Transactions on Image Processing 13 (4)
    """
    brightness, structure = _similarity(images, targets)
    if region is not None:
        edge = WINDOW // 2
        region = region[:, edge:-edge, edge:-edge]
        region = np.where(region.any((1, 2, 3), keepdims=True), region, 1)
    return _mean(brightness * structure, region)


def ms_ssim(images: np.ndarray, targets: np.ndarray, scales: int = 5) -> np.ndarray:
    """SSIM over scales: prod_j s_j^w_j times b_M^w_M, of mean structure s_j and brightness b_M.

    From a scale to the next both images are halved by means of 2 x 2 pixels; the weights are the
    paper's, of fewer scales the first ones over their sum. Structure below 0 counts as 0.

    Args:
      images: [N, H, W, C] in [0, 1].
      targets: [N, H, W, C] in [0, 1].
      scales: 1 to 5, as `scales_of` says how many there are room for.

    Returns:
      [N] in [0, 1].

    Raises:
      InputError: images smaller than the window at the last scale.

    Paper: Wang, Simoncelli & Bovik 2003, Asilomar Conference on Signals, Systems and Computers
    """
    weights = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
    found = np.ones(len(images))
    for scale, weight in enumerate(weights):
        if scale:
            images, targets = _halved(images), _halved(targets)
        brightness, structure = _similarity(images, targets)
        if scale == scales - 1:
            structure = brightness * structure
        found *= np.maximum(structure.mean((1, 2, 3)), 0) ** weight
    return found


def scales_of(height: int, width: int) -> int:
    """How many of the five scales of MS-SSIM images have room for; 0 of ones below the window."""
    side = min(height, width)
    return sum(side >> scale >= WINDOW for scale in range(len(_WEIGHTS)))


def sharpness(images: np.ndarray) -> np.ndarray:
    """Variance over the pixels of the luminance's Laplacian, [N], of `[N, H, W, C] in [0, 1]`.

    A blurred image has less of it.

    Paper: Pech-Pacheco et al. 2000, ICPR
    """
    images = np.asarray(images, np.float64)
    gray = images @ _LUMA if images.shape[-1] == 3 else images.mean(-1)
    inner = gray[:, 1:-1, 1:-1]
    around = gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1]
    around = around + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:]
    return (around - 4 * inner).var((1, 2))


def luminance(images: np.ndarray) -> np.ndarray:
    """Y of ITU-R 601 in studio range, as super-resolution is scored: `[N, H, W, 1]` of colour images
    `[N, H, W, 3] in [0, 1]`; gray ones as they are."""
    if images.shape[-1] == 1:
        return images
    return (16 + 219 * (np.asarray(images, np.float64) @ _LUMA)[..., None]) / 255


def shaved(images: np.ndarray, border: int) -> np.ndarray:
    """`[N, H, W, C]` without `border` pixels on each side."""
    return images[:, border:-border, border:-border]


def _similarity(
    images: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Brightness and structure of SSIM in every window inside the images, [N, h, w, C] each."""
    if min(images.shape[1:3]) < WINDOW:
        raise InputError(
            f"SSIM needs images of {WINDOW} pixels or more on a side, not"
            f" {images.shape[1]} x {images.shape[2]}"
        )
    x, y = (np.asarray(a, np.float64) for a in (images, targets))
    _difference(x, y)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variances = _windowed(x * x) - mean_x**2 + _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c, d = 0.01**2, 0.03**2
    brightness = (2 * mean_x * mean_y + c) / (mean_x**2 + mean_y**2 + c)
    structure = (2 * covariance + d) / (variances + d)
    return brightness, structure


def _halved(images: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd row or column at the end is left out."""
    height, width = (side // 2 * 2 for side in images.shape[1:3])
    rows = np.asarray(images, np.float64)[:, :height, :width]
    rows = (rows[:, ::2] + rows[:, 1::2]) / 2
    return (rows[:, :, ::2] + rows[:, :, 1::2]) / 2


def _mean(values: np.ndarray, region: np.ndarray | None) -> np.ndarray:
    """Means over the pixels of `[N, H, W, C]` that the region holds, and over channels: [N]."""
    if region is None:
        return values.mean((1, 2, 3))
    weights = np.broadcast_to(region, values.shape)
    return (values * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3))


def _difference(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
    if images.shape != targets.shape:
        raise InputError(
            f"images of shape {images.shape} cannot be compared with {targets.shape}"
        )
    return np.asarray(images, np.float64) - np.asarray(targets, np.float64)


def _windowed(x: np.ndarray) -> np.ndarray:
    """Gaussian means over all windows that lie inside the images `[N, H, W, C]`."""
    ticks = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * np.square(ticks / 1.5))
    weights /= weights.sum()
    for axis in (1, 2):
        x = ndimage.correlate1d(x, weights, axis=axis)
    edge = WINDOW // 2
    return x[:, edge:-edge, edge:-edge]
