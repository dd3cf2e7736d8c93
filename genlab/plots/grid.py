"""Many small images as one picture, and pictures as PNG files."""

import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genlab.errors import InputError
from genlab.storage.files import write_atomic


def image_grid(
    images: np.ndarray,
    *,
    columns: int | None = None,
    padding: int = 2,
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Images side by side, row by row, on black; float values are clipped to their range.

    Args:
      images: [N, H, W, C] uint8 in [0, 255], or float in `value_range`; C is 1 or 3.
      columns: images in a row; without it the grid is as square as N allows.
      padding: pixels between images and around the grid.
      value_range: the values drawn black and white; needed for floats, refused for uint8.

    Returns:
      [rows * (H + padding) + padding, columns * (W + padding) + padding, 3] uint8.

    Raises:
      InputError: a shape, dtype, range or value that is not as above.
    """
    pixels = to_pixels(images, value_range=value_range)
    count, height, width, _ = pixels.shape
    if columns is None:
        columns = math.ceil(math.sqrt(count))
    if columns < 1 or padding < 0:
        raise InputError(
            f"a grid of {columns} columns with padding {padding}: use columns >= 1 and"
            " padding >= 0"
        )
    rows = math.ceil(count / columns)
    cell_height, cell_width = height + padding, width + padding
    cells = np.zeros((rows * columns, cell_height, cell_width, 3), np.uint8)
    cells[:count, padding:, padding:] = pixels  # gray broadcasts to three channels
    picture = cells.reshape(rows, columns, cell_height, cell_width, 3)
    picture = picture.transpose(0, 2, 1, 3, 4)
    picture = picture.reshape(rows * cell_height, columns * cell_width, 3)
    return np.pad(picture, ((0, padding), (0, padding), (0, 0)))


def to_pixels(
    images: np.ndarray, *, value_range: tuple[float, float] | None = None
) -> np.ndarray:
    """Images as bytes: `value_range` becomes [0, 255], rounded to the nearest.

    Args:
      images: [N, H, W, C] uint8, or float in `value_range`; N at least 1, C 1 or 3.
      value_range: the values that become 0 and 255; None for uint8.

    Returns:
      [N, H, W, C] uint8.

    Raises:
      InputError: a shape, dtype, range or value that is not as above.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise InputError(
            f"images have shape {images.shape}: a picture needs [N, H, W, C] with C 1 or 3"
        )
    if (images.dtype == np.uint8) != (value_range is None):
        raise InputError(
            f"images are {images.dtype} and value_range is {value_range}: give floats with"
            " a value_range, or uint8 without one"
        )
    if value_range is None:
        return images
    low, high = value_range
    if not low < high:
        raise InputError(f"value_range is {value_range}: the first must be smaller")
    if not np.isfinite(images).all():
        raise InputError("images hold a value that is not finite: nothing to draw")
    scaled = (images.astype(np.float32) - low) * (255 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def enlarge(picture: np.ndarray, *, side: int = 320) -> np.ndarray:
    """The `picture: [H, W, 3]` with each pixel a square, until its longer side is near `side`.

    Digits of 8 x 8 pixels cannot be read on a screen; a picture that is large enough stays as it
    is.
    """
    factor = max(1, round(side / max(picture.shape[:2])))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def save_png(
    path: str | os.PathLike,
    picture: np.ndarray,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Writes `picture: [H, W, 3]` uint8 as a PNG file with texts in it; folders are made where missing.

    The file appears whole or not at all, so that a report made meanwhile never reads half of it.

    Raises:
      InputError: the picture has another shape or dtype.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(
            f"a picture is [H, W, 3] uint8, not {picture.shape} {picture.dtype}"
        )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    held = PngInfo()
    for name, text in texts.items():
        held.add_text(name, text, zip=True)
    Image.fromarray(picture).save(file, format="png", pnginfo=held)
    write_atomic(path, file.getvalue())
