"""A convolution and its two derivatives by minimal filtering: fewer products, more additions.

`genlab.nn.filters` has F(m, r) along one axis, y = output ((kernel g) * (data d)). In two dimensions each matrix is
applied along both axes; d, g and y are then vectors of channels, and each product is one of matrices,
[tiles, channels] times [channels, features]. The trilinear form <y, result> has as its derivatives
in d and g the same matrices transposed, so that all three maps here are made of them:

  convolution          y = output  ((kernel g)   * (data d))
  its adjoint          d = data^T  ((kernel g)   * (output^T y))
  kernel gradient      g = kernel^T ((data d)    * (output^T y)), summed over tiles

A convolution of stride s is one of stride 1 on blocks of s x s pixels, whose channels are those of all
pixels in it, and has ceil(kernel / s) taps there: 4 x 4 with stride 2 is F(2x2, 2x2), 9 products in
the place of 16; 3 x 3 is F(2x2, 3x3), 16 in the place of 36.

Papers: Winograd 1980, Arithmetic Complexity of Computations; Lavin and Gray 2016, arXiv:1509.09308
"""

import math

import jax
import jax.numpy as jnp
from jax import lax

from genlab.nn.filters import FILTERS
from genlab.nn.products import Geometry
from genlab.nn.tiling import (
    Tiling,
    of_data,
    of_kernel,
    of_result,
    to_image,
    to_kernel,
    to_result,
    touched,
)

Array = jax.Array

# The least at which it was measured to win, by layers of DCGAN-64 and a 3 x 3 layer on one core.
GAIN = 1.75  # products saved, after those that the last tiles waste
CHANNELS = 64  # of the image and of the result
TILES = 256  # of a batch: fewer do not pay for the kernel's transform


def wins(geometry: Geometry, batch: int, channels: int, features: int) -> bool:
    """Whether minimal filtering is faster than the products of `genlab.nn.products` on a CPU.

    It is by as much as products are what takes time: between many channels, and with tiles enough.
    """
    taps = map(touched, geometry.kernel, geometry.strides)
    if geometry.dilation != (1, 1) or not FILTERS.keys() >= set(taps):
        return False
    tiling = Tiling(geometry)
    return (
        tiling.gain >= GAIN
        and min(channels, features) >= CHANNELS
        and batch * math.prod(tiling.tiles) >= TILES
    )


def convolve(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The convolution: `[B, H, W, C]` and `[h, w, C, F]` to `[B, H', W', F]`."""
    tiling = Tiling(geometry)
    pairs = zip(of_data(image, tiling), of_kernel(kernel, tiling))
    return to_result([_product(*pair, (1, 0)) for pair in pairs], tiling)


def convolve_adjoint(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The derivative in the image: `[B, H', W', F]` and `[h, w, C, F]` to `[B, H, W, C]`."""
    tiling = Tiling(geometry)
    pairs = zip(of_result(result, tiling), of_kernel(kernel, tiling))
    return to_image([_product(*pair, (1, 1)) for pair in pairs], tiling)


def convolve_kernel(image: Array, result: Array, *, geometry: Geometry) -> Array:
    """The derivative in the kernel: `[B, H, W, C]` and `[B, H', W', F]` to `[h, w, C, F]`."""
    tiling = Tiling(geometry)
    shape = (*geometry.kernel, image.shape[-1], result.shape[-1])
    # Contracted in the first axes of both, since transposing a whole kernel costs more.
    pairs = zip(of_data(image, tiling), of_result(result, tiling))
    return to_kernel([_product(*pair, (0, 0)) for pair in pairs], shape, tiling)


def _product(left: Array, right: Array, contracted: tuple[int, int]) -> Array:
    axes = tuple((axis,) for axis in contracted)
    return lax.dot_general(
        left, right, (axes, ((), ())), preferred_element_type=jnp.float32
    )
