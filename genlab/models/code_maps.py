"""Convolutional networks between images and maps of codes, with residual blocks."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv, ConvTranspose
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class CodeMapEncoder(nn.Module):
    """From an image to a map of codes: convolutions that halve it, then residual blocks.

    Paper: van den Oord et al. 2017, arXiv:1711.00937, section 4.1

    Attributes:
      latent_dim: length D of a code.
      width: channels of the hidden layers.
      halvings: of height and width.
      blocks: residual blocks, ReLU, 3x3, ReLU, 1x1.
      dtype: type of the computation.
    """

    latent_dim: Count
    width: Count = 256
    halvings: Count = 2
    blocks: Count = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C]` to [B, ceil(H / 2^halvings), ..., D], real, float32."""
        del train
        y = x.astype(self.dtype)
        for i in range(self.halvings):
            y = Conv(self.width, 4, 2, dtype=self.dtype, name=f"down_{i}")(y)
            y = nn.relu(y)
        y = _residual(y, self.width, self.blocks, self.dtype)
        y = Conv(self.latent_dim, 1, dtype=self.dtype, name="code")(y)
        return y.astype(jnp.float32)


@models.register
class CodeMapDecoder(nn.Module):
    """From a map of codes to logits or means of an image: residual blocks, then doublings.

    Paper: van den Oord et al. 2017, arXiv:1711.00937, section 4.1

    Attributes:
      image_shape: (H, W, C); a size that doublings do not reach is cropped.
      width: channels of the hidden layers.
      doublings: of height and width.
      blocks: residual blocks, ReLU, 3x3, ReLU, 1x1.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    width: Count = 256
    doublings: Count = 2
    blocks: Count = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, h, w, D]` to [B, *image_shape], real, float32."""
        del train
        height, width, channels = self.image_shape
        y = Conv(self.width, 3, dtype=self.dtype, name="code")(x.astype(self.dtype))
        y = _residual(y, self.width, self.blocks, self.dtype)
        for i in range(self.doublings):
            last = i + 1 == self.doublings
            out = channels if last else self.width
            y = ConvTranspose(out, 4, 2, dtype=self.dtype, name=f"up_{i}")(y)
            y = y if last else nn.relu(y)
        return y[:, :height, :width].astype(jnp.float32)


def _residual(x: Array, width: int, blocks: int, dtype: Any) -> Array:
    """Residual blocks on `x: [B, h, w, width]`, called inside a compact method, and a ReLU after them."""
    for i in range(blocks):
        y = Conv(width, 3, dtype=dtype, name=f"block_{i}_0")(nn.relu(x))
        x += Conv(width, 1, dtype=dtype, name=f"block_{i}_1")(nn.relu(y))
    return nn.relu(x)
