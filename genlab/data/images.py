"""Decoding and resizing of images on the host: 8-bit, gray or colour, on white.

A file is read by its content in one of seven formats, whatever its ending: other formats that Pillow
knows start programs (EPS) or are read by code that few people have looked at.
"""

import contextlib
import io
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from genlab.data.limits import check_size, open_data
from genlab.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

Array = jax.Array | np.ndarray
Size = int | Sequence[int]  # side of a square, or (height, width)

MAX_PIXELS = 2**26  # 8192 x 8192; a small file can claim far more and fill the memory

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

_BITS_PER_SAMPLE = 258  # the tag of TIFF

# What Pillow's decoders let through from a damaged file, besides OSError.
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    SyntaxError,
    EOFError,
    OverflowError,
    NotImplementedError,
    struct.error,
    zlib.error,
)

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)

_GRAY = ("1", "L", "LA", "La")  # modes of Pillow without colour


class UnreadableImage(InputError):
    """An image that cannot be decoded: damaged, too large, or not of 8 bits."""


def check_options(
    image_size: Size | None, channels: int | None, *, square: bool = False
) -> None:
    """Raises InputError unless image_size is None, a side or (height, width) of 1 to MAX_PIXELS
    pixels, and channels None, 1 or 3; with `square` image_size is one side."""
    if square and not isinstance(image_size, int):
        raise InputError(f"image_size {image_size} must be one side in pixels")
    if image_size is not None and min(sides(image_size)) < 1:
        raise InputError(f"image_size {image_size} must be 1 or more pixels")
    if image_size is not None and math.prod(sides(image_size)) > MAX_PIXELS:
        raise InputError(
            f"image_size {image_size} is more than the {MAX_PIXELS:,} pixels that an image may have"
        )
    if channels not in (None, 1, 3):
        raise InputError(f"channels {channels} must be 1 (gray) or 3 (colour)")


def decode(
    source: bytes | pathlib.Path,
    *,
    image_size: Size | None,
    channels: int | None,
    name: str,
) -> np.ndarray:
    """One encoded image as `[H, W, C]` uint8.

    Turned upright by its EXIF tag; transparency is composited on white. With image_size, the
    largest centre window of that aspect ratio, a square for one number, is resized to it (bicubic,
    antialiased).

    Args:
      source: the encoded bytes, or the file.
      image_size: side in pixels, (height, width), or None to keep the size.
      channels: 1 (luminance, ITU-R 601), 3, or None to keep gray gray and colour colour.
      name: what messages call the image.

    Raises:
      UnreadableImage: the image cannot be read, has more than MAX_PIXELS pixels, or not 8 bits.
    """
    from PIL import ImageOps

    with _image(source, name) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return _to_array(_fit(_flatten(image), image_size), channels)


def announced(file: pathlib.Path, *, name: str) -> tuple[int, int, int]:
    """(H, W, C) of an image file by its header, before any EXIF tag turns it; reads no pixels.

    Raises:
      UnreadableImage: the header alone shows that `decode` would refuse the file.
    """
    with _image(file, name) as image:
        return image.height, image.width, 1 if image.mode in _GRAY else 3


def transparent(file: pathlib.Path) -> np.ndarray:
    """Which pixels of an image file that `decode` reads are more transparent than not: [H, W]."""
    from PIL import ImageOps

    with _image(file, str(file)) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return np.array(image.convert("RGBA"))[..., 3] < 128


def convert(
    images: np.ndarray, *, image_size: Size | None, channels: int | None
) -> np.ndarray:
    """Images `[N, H, W, C]` uint8 brought to a size and a number of channels, as by `decode`.

    Raises:
      InputError: C is not 1, 3 or 4.
    """
    check_options(image_size, channels)
    depth = images.shape[-1]
    if depth not in (1, 3, 4):
        raise InputError(
            f"images of shape {images.shape[1:]} have {depth} channels; 1 (gray), 3"
            " (colour) or 4 (with alpha) can be used"
        )
    keep = image_size is None or images.shape[1:3] == sides(image_size)
    if keep and depth in (1, 3) and channels in (None, depth):
        return images
    if keep and (depth, channels) == (1, 3):
        return np.repeat(images, 3, axis=-1)

    from PIL import Image

    height, width = images.shape[1:3] if image_size is None else sides(image_size)
    check_size(
        f"{len(images)} images of {height} x {width} pixels",
        len(images) * height * width * (channels or min(depth, 3)),
    )

    def one(image: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(image[..., 0] if depth == 1 else image)
        return _to_array(_fit(_flatten(picture), image_size), channels)

    if not len(images):
        empty = one(np.zeros(images.shape[1:], np.uint8))
        return np.zeros((0, *empty.shape), np.uint8)
    return np.stack([one(image) for image in images])


def luma(images: Array) -> Array:
    """Luminance, `[..., 1]`, of `images: [..., C]` as ITU-R 601 weighs red, green and blue.

    The mean of the channels where they are not three.
    """
    if images.shape[-1] != 3:
        return images.mean(axis=-1, keepdims=True)
    return (images @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]


def sides(image_size: Size) -> tuple[int, int]:
    """Height and width in pixels.

    Raises:
      InputError: neither one side nor two.
    """
    if isinstance(image_size, int):
        return image_size, image_size
    pair = tuple(image_size) if isinstance(image_size, Sequence) else ()
    if len(pair) != 2 or not all(isinstance(side, int) for side in pair):
        raise InputError(
            f"image_size {image_size} must be one side in pixels or (height, width)"
        )
    return pair


@contextlib.contextmanager
def _image(source: bytes | pathlib.Path, name: str) -> Iterator["Image.Image"]:
    """The image by its header, checked; what fails while it is in use is an UnreadableImage."""
    from PIL import Image

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with (
            io.BytesIO(source)
            if isinstance(source, bytes)
            else open_data(source) as file,
            Image.open(file, formats=FORMATS) as image,
        ):
            _check_header(image, name)
            yield image
    except UnreadableImage:
        raise
    except InputError as error:
        raise UnreadableImage(f"image {error}") from None
    except bombs as error:
        raise UnreadableImage(
            f"image {name} is above the limit of {MAX_PIXELS} pixels: {error}"
        ) from None
    except _BROKEN as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableImage(
            f"image {name} cannot be read ({reason}); it needs to be a whole image file, one of"
            f" {', '.join(FORMATS)}"
        ) from None


def _check_header(image: "Image.Image", name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"image {name} has {width} x {height} pixels, above the limit of"
            f" {MAX_PIXELS}; make it smaller first"
        )
    if _is_deep(image):
        raise UnreadableImage(
            f"image {name} has more than 8 bits a channel, and its range is not known; bring it to"
            " 8 bits first"
        )


def _is_deep(image: "Image.Image") -> bool:
    """Whether the file's own header says more than 8 bits a channel.

    Pillow's mode says so of gray alone: of colour and of gray with alpha it keeps the upper byte.
    """
    if image.mode[0] in "IF":
        return True
    if image.format == "TIFF":
        return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))) > 8
    # How the decoder is called: of PNG the raw mode, "RGB;16B", of PPM the greatest value as well.
    called = [args for tile in image.tile for args in _as_tuple(tile.args)]
    if image.format == "PNG":
        return any(isinstance(arg, str) and ";16" in arg for arg in called)
    return image.format == "PPM" and any(
        isinstance(arg, int) and arg > 255 for arg in called
    )


def _as_tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def _flatten(image: "Image.Image") -> "Image.Image":
    """The image in mode L or RGB, transparency composited on white."""
    from PIL import Image

    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    gray = image.mode in _GRAY
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(layer)
    return image.convert("L" if gray else "RGB")


def _fit(image: "Image.Image", image_size: Size | None) -> "Image.Image":
    """The centre window of the wanted aspect ratio, resized."""
    from PIL import Image

    if image_size is None:
        return image
    height, width = sides(image_size)
    if image.size == (width, height):
        return image
    scale = min(image.width / width, image.height / height)
    wide = min(image.width, max(1, round(scale * width)))
    high = min(image.height, max(1, round(scale * height)))
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    box = (left, top, left + wide, top + high)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box)


def _to_array(image: "Image.Image", channels: int | None) -> np.ndarray:
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    array = np.array(image)
    return array[..., None] if array.ndim == 2 else array
