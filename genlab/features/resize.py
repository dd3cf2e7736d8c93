"""How images change their size, by name: it moves a Frechet distance by whole points."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array
Resize = Callable[[Array, int, int], Array]


def antialiased(images: Array, height: int, width: int) -> Array:
    """`images: [B, H, W, C]` at another size: bilinear, widened by the factor where they shrink."""
    shape = (images.shape[0], height, width, images.shape[-1])
    return jax.image.resize(images, shape, "linear", antialias=True)


def bicubic(images: Array, height: int, width: int) -> Array:
    """`images: [B, H, W, C] in [0, 1]` at another size as Pillow's bicubic filter, without its rounding:
    Keys' kernel with a = -1/2, widened by the factor where they shrink, clipped."""
    shape = (images.shape[0], height, width, images.shape[-1])
    return jnp.clip(jax.image.resize(images, shape, "cubic", antialias=True), 0, 1)


def tensorflow(images: Array, height: int, width: int) -> Array:
    """`images: [B, H, W, C]` at another size, as TensorFlow 1 does with `align_corners=False`.

    Pixel i of the result is at i H/height of the image: the grids share a corner and no centre, and
    an image that shrinks is not smoothed. The public Inception graph begins with it.
    """
    images = _along(images, 2, width)
    return _along(images, 1, height)


RESIZES: dict[str, Resize] = {
    "bilinear, antialiased": antialiased,
    "bicubic, antialiased": bicubic,
    "bilinear, TensorFlow 1": tensorflow,
}


def _along(images: Array, axis: int, size: int) -> Array:
    """Linear interpolation on one axis."""
    old = images.shape[axis]
    # In float32 as there: whether a place falls on a pixel or a hair before it is part of the filter.
    places = np.arange(size, dtype=np.float32) * np.float32(old / size)
    low = places.astype(np.int32)
    share = (places - low).reshape([-1 if i == axis else 1 for i in range(4)])
    high = np.minimum(low + 1, old - 1)
    before, after = (jnp.take(images, index, axis=axis) for index in (low, high))
    return before + (after - before) * share
