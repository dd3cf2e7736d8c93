"""A convolution with few channels on one side, by patches that are gathered a plane at a time.

`genlab.nn.products` gathers pixels, whose channels lie side by side: of a picture, three numbers at once. Here
each channel is a plane, a tap of the kernel is all planes shifted, and rows of them are moved as a whole.

With stride 1 an image and its result may change places: the convolution's adjoint is a convolution of the result
with the turned kernel. So where the result has few channels, as in the last layer of a generator or of a
discriminator, the patches are those of the result.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax

from genlab.nn import products
from genlab.nn.products import Geometry

Array = jax.Array

# Measured on two cores, by kernels of 3 x 3 to 7 x 7 on images of 8 to 128 px.
FEW = 16  # channels up to which planes are moved faster than pixels
TAPS = 36  # of a kernel whose patches are: with fewer, to turn the result back costs as much


def wins(geometry: Geometry, channels: int, features: int) -> bool:
    """Whether planes are faster than the pixels of `genlab.nn.products` on a CPU."""
    few = channels <= FEW or _turns(geometry, channels, features)
    return few and not geometry.covers


def convolve(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The convolution: `[B, H, W, C]` and `[h, w, C, F]` to `[B, H', W', F]`."""
    if _turns(geometry, *kernel.shape[2:]):
        return _scattered(image, products.turned(kernel), geometry.turned)
    return _gathered(image, kernel, geometry)


def convolve_adjoint(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The derivative in the image: `[B, H', W', F]` and `[h, w, C, F]` to `[B, H, W, C]`."""
    if _turns(geometry, *kernel.shape[2:]):
        return _gathered(result, products.turned(kernel), geometry.turned)
    return _scattered(result, kernel, geometry)


def convolve_kernel(image: Array, result: Array, *, geometry: Geometry) -> Array:
    """The derivative in the kernel: `[B, H, W, C]` and `[B, H', W', F]` to `[h, w, C, F]`."""
    if _turns(geometry, image.shape[-1], result.shape[-1]):
        return products.turned(_contracted(result, image, geometry.turned))
    return _contracted(image, result, geometry)


def _turns(geometry: Geometry, channels: int, features: int) -> bool:
    """Whether patches are those of the result."""
    return geometry.strides == (1, 1) and features <= min(FEW, channels // 2)


def _gathered(image: Array, kernel: Array, geometry: Geometry) -> Array:
    if math.prod(geometry.kernel) < TAPS:
        return products.convolve(image, kernel, geometry=geometry)
    columns = kernel.reshape(-1, kernel.shape[-1])
    flat = products.product(columns, _patches(image, geometry), ((0,), (0,)))
    # Else XLA makes the result in the order of pixels at once, which is slow.
    pixels = lax.optimization_barrier(flat).T
    return pixels.reshape(len(image), *geometry.output, -1)


def _contracted(image: Array, result: Array, geometry: Geometry) -> Array:
    features = result.shape[-1]
    pixels = result.reshape(-1, features)
    gradient = products.product(_patches(image, geometry), pixels, ((1,), (0,)))
    return gradient.reshape(*geometry.kernel, -1, features)


def _patches(image: Array, geometry: Geometry) -> Array:
    """`[B, H, W, C]` to `[h * w * C, B * H' * W']`."""
    blocks = products.to_blocks(image, geometry)
    # Once, and not again for every tap.
    planes = lax.optimization_barrier(blocks.transpose(2, 4, 5, 0, 1, 3))
    height, width = geometry.output
    taps = [
        planes[row, column, ..., i : i + height, j : j + width]
        for i, row in geometry.taps(0)
        for j, column in geometry.taps(1)
    ]
    return jnp.concatenate(taps).reshape(len(taps) * image.shape[-1], -1)


def _scattered(result: Array, kernel: Array, geometry: Geometry) -> Array:
    """The adjoint of `_gathered`: products first, which are added up where patches overlap."""
    features = result.shape[-1]
    pixels = result.reshape(-1, features)
    columns = products.product(kernel.reshape(-1, features), pixels, ((1,), (1,)))
    taps = columns.reshape(*kernel.shape[:3], *result.shape[:3])
    phases = products.added_up(taps, geometry, axis=2)
    planes = jnp.stack([jnp.stack(row) for row in phases])
    return products.from_blocks(planes.transpose(3, 4, 0, 5, 1, 2), geometry)
