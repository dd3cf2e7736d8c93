"""A residual network that enlarges images by sub-pixel convolution."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.data import bicubic
from genlab.errors import InputError
from genlab.nn.activation import leaky_relu
from genlab.nn.convolution import Conv
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class SubpixelResnet(nn.Module):
    """What a bicubic enlargement lacks, from residual blocks at the size of the input.

    Blocks without normalisation; the last map holds every output pixel's channels, which are dealt
    out to the larger image. LeakyReLU before the last layer, which starts at 0, so that training
    starts from bicubic.

    Paper: Lim et al. 2017, arXiv:1707.02921; sub-pixel convolution: Shi et al. 2016,
      arXiv:1609.05158; the skip across: Kim et al. 2016, arXiv:1511.04587

    Attributes:
      example_shape: (h, w, C) of the input; only its ratio to the target counts.
      target_shape: (H, W, C) of the output, an integer multiple.
      width: channels of the blocks.
      blocks: residual blocks.
      dtype: type of the computation.
    """

    example_shape: Sequence[Count]
    target_shape: Sequence[Count]
    width: Count = 64
    blocks: Count = 16
    dtype: Any = jnp.float32

    @property
    def stride(self) -> int:
        """Any size will do."""
        return 1

    @property
    def factor(self) -> int:
        """How many times larger the output is.

        Raises:
          InputError: the target is no integer multiple of the input, or has other channels.
        """
        (height, width, depth), (rows, columns, channels) = (
            self.example_shape,
            self.target_shape,
        )
        factor = rows // height
        if (height * factor, width * factor, depth) != (rows, columns, channels):
            raise InputError(
                f"'subpixel_resnet' cannot enlarge {tuple(self.example_shape)} to"
                f" {tuple(self.target_shape)}; it needs an integer factor, as"
                " data.degrade=downsample makes"
            )
        return factor

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, h, w, C] in [-1, 1]` to [B, H, W, C], real, about [-1, 1], float32."""
        del train
        batch, height, width, channels = x.shape
        factor = self.factor
        larger = (batch, height * factor, width * factor, channels)
        y = first = Conv(self.width, 3, dtype=self.dtype, name="first")(x)
        for i in range(self.blocks):
            inner = Conv(self.width, 3, dtype=self.dtype, name=f"block_{i}_0")(y)
            inner = nn.relu(inner)
            y += Conv(self.width, 3, dtype=self.dtype, name=f"block_{i}_1")(inner)
        y = Conv(self.width, 3, dtype=self.dtype, name="trunk")(y) + first
        y = Conv(
            channels * factor**2,
            3,
            dtype=self.dtype,
            kernel_init=nn.initializers.zeros_init(),
            name="to_image",
        )(leaky_relu(y))
        y = y.reshape(batch, height, width, factor, factor, channels)
        y = y.swapaxes(2, 3).reshape(larger)
        enlarged = bicubic.resize(x.astype(jnp.float32), *larger[1:3])
        return enlarged + y.astype(jnp.float32)
