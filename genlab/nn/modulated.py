"""Convolutions whose kernels a style scales, for each example."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn import lowering
from genlab.nn.equalized import EqualizedDense
from genlab.nn.products import Geometry
from genlab.nn.resample import blurred

Array = jax.Array


class ModulatedConv(nn.Module):
    """A convolution whose kernel is scaled by a style and, demodulated, brought to norm 1.

    With s = A w + b, one number for each channel of the input, W'_{abio} = s_i W_{abio}, and
    demodulated W''_{abio} = W'_{abio} / sqrt(sum over a, b, i of W'^2 + 1e-8). No kernel is made for an
    example: its input is scaled by s and its result by the root.

    Paper: Karras et al. 2020, arXiv:1912.04958

    Attributes:
      features: channels of the result.
      kernel_size: 1 or 3.
      demodulates: whether the kernel is brought to norm 1.
      doubles: whether the image is doubled, by a transposed convolution and smoothing by
        (1, 3, 3, 1) / 4.
      dtype: type of the computation; the norms are float32.
    """

    features: int
    kernel_size: int
    demodulates: bool = True
    doubles: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x: [B, H, W, C]` and codes `w: [B, D]` to [B, H, W, features], or twice both sides."""
        channels, side = x.shape[-1], self.kernel_size
        shape = (side, side, channels, self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        kernel = kernel / math.sqrt(side**2 * channels)
        style = EqualizedDense(channels, bias=1.0, name="style")(w)
        y = x.astype(self.dtype) * style.astype(self.dtype)[:, None, None]
        y = self._convolved(y, kernel.astype(self.dtype))
        if self.demodulates:
            energy = jnp.square(kernel).sum(axis=(0, 1))
            norm = jax.lax.rsqrt(jnp.square(style) @ energy + 1e-8)
            y = y * norm.astype(y.dtype)[:, None, None]
        return y

    def _convolved(self, x: Array, kernel: Array) -> Array:
        side, reach, size = self.kernel_size, self.kernel_size // 2, x.shape[1:3]
        if not self.doubles:
            pads = ((reach, reach), (reach, reach))
            geometry = Geometry(size, (side, side), (1, 1), pads, (1, 1))
            return lowering.convolve(x, kernel, geometry=geometry)
        larger = tuple(2 * (n - 1) + side for n in size)
        geometry = Geometry(larger, (side, side), (2, 2), ((0, 0), (0, 0)), (1, 1))
        y = lowering.convolve_adjoint(x, kernel.swapaxes(2, 3), geometry=geometry)
        return 4 * blurred(y, 1, 1)
