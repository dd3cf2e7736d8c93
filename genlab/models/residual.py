"""Residual convolutional encoder and decoder for small images."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.activation import activation
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.gaussian import as_gaussian, gaussian_outputs
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class ResidualEncoder(nn.Module):
    """Strided convolutions with residual blocks between them, from an image to a Gaussian posterior.

    Paper: He et al. 2016, arXiv:1603.05027, blocks that activate first

    Attributes:
      latent_dim: width Z of the code.
      channels: channels of each level, which halves height and width.
      blocks: residual blocks of each level.
      activation: name of the function before each convolution of a block.
      covariance: `diagonal`, or `full`.
      dtype: type of the computation.
    """

    latent_dim: Count
    channels: Sequence[Count] = (32, 64)
    blocks: Count = 1
    activation: str = "silu"
    covariance: str = "diagonal"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.downs = [Conv(n, 4, 2, dtype=self.dtype) for n in self.channels]
        self.levels = [
            [_Block(n, self.activation, self.dtype) for _ in range(self.blocks)]
            for n in self.channels
        ]
        outputs = gaussian_outputs(self.latent_dim, self.covariance)
        self.head = nn.Dense(outputs, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """What the last layer sees of `x: [B, H, W, C]`: [B, F], float32."""
        del train
        y = x.astype(self.dtype)
        for down, blocks in zip(self.downs, self.levels, strict=True):
            y = down(y)
            for block in blocks:
                y = block(y)
        y = activation(self.activation)(y)
        return y.reshape(len(x), -1).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, ...]:
        """Maps `x: [B, H, W, C]` to mean and log-variance, each [B, Z], float32, and with a full
        covariance its factor, [B, Z, Z]."""
        y = self.head(self.features(x, train=train)).astype(jnp.float32)
        return as_gaussian(y, self.latent_dim)


@models.register
class ResidualDecoder(nn.Module):
    """Transposed convolutions with residual blocks before them, from a code to an image.

    Paper: He et al. 2016, arXiv:1603.05027, blocks that activate first

    Attributes:
      image_shape: (H, W, C); a size that doublings do not reach is cropped.
      channels: channels of each level, which doubles height and width.
      blocks: residual blocks of each level.
      activation: name of the function before each convolution of a block.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    channels: Sequence[Count] = (64, 32)
    blocks: Count = 1
    activation: str = "silu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, Z]` to logits or means [B, *image_shape], real, float32."""
        del train
        height, width, image_channels = self.image_shape
        scale = 2 ** len(self.channels)
        start = (-(-height // scale), -(-width // scale), self.channels[0])
        y = nn.Dense(start[0] * start[1] * start[2], dtype=self.dtype, name="grid")(x)
        y = y.reshape(len(x), *start)
        nexts = (*self.channels[1:], image_channels)
        for level, (own, after) in enumerate(zip(self.channels, nexts, strict=True)):
            for index in range(self.blocks):
                name = f"block_{level}_{index}"
                y = _Block(own, self.activation, self.dtype, name=name)(y)
            y = activation(self.activation)(y)
            y = ConvTranspose(after, 4, 2, dtype=self.dtype, name=f"up_{level}")(y)
        return y[:, :height, :width].astype(jnp.float32)


class _Block(nn.Module):
    """y + two convolutions of y, each behind an activation."""

    channels: int
    activation: str
    dtype: Any

    @nn.compact
    def __call__(self, y: Array) -> Array:
        function, inner = activation(self.activation), y
        for index in range(2):
            conv = Conv(self.channels, 3, dtype=self.dtype, name=f"conv_{index}")
            inner = conv(function(inner))
        return y + inner
