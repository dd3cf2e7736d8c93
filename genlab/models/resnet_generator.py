"""The residual generator of CycleGAN."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.normed import NormedConv
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class ResnetGenerator(nn.Module):
    """From an image to an image of the same size, by residual blocks at a quarter of it.

    c7s1-w, d2w, d4w, R4w x blocks, u2w, uw, c7s1-C, with reflection padding; every layer but the last
    is normalised. A side that is no multiple of 4 is rounded up inside and cropped back.

    Paper: Zhu et al. 2017, arXiv:1703.10593; Johnson et al. 2016, arXiv:1603.08155

    Attributes:
      target_shape: (H, W, C); C channels are made.
      width: channels of the first layer.
      blocks: residual blocks, 9 at 256 px and 6 at 128 px.
      norm: `instance`, `batch` or `none`.
      outer_kernel: side of the first and of the last kernel, odd.
      upsampling: `transposed`, or `resize` or `bilinear` against checkerboards.
      dtype: type of the computation.
    """

    output_range: ClassVar = (-1.0, 1.0)

    target_shape: Sequence[Count]
    width: Count = 64
    blocks: Count = 9
    norm: str = "instance"
    outer_kernel: Count = 7
    upsampling: str = "transposed"
    dtype: Any = jnp.float32

    @property
    def stride(self) -> int:
        """Sides of images are best a multiple of this."""
        return 4

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C'] in [-1, 1]` to [B, H, W, C] in [-1, 1], float32.

        Raises:
          InputError: a side of the images is smaller than 8, which cannot be mirrored.
        """
        height, width = x.shape[1:3]
        if min(height, width) < 8:
            raise InputError(
                f"images of {height} x {width} pixels are too small for 'resnet_generator',"
                " which mirrors them at its borders; take 8 or more"
            )

        def layer(name: str, features: int, kernel: int, **options: Any) -> NormedConv:
            options = {"norm": self.norm, "dtype": self.dtype, **options}
            return NormedConv(features, kernel, name=name, **options)

        wide = 4 * self.width
        y = x.astype(self.dtype)
        y = nn.relu(
            layer("first", self.width, self.outer_kernel, padding="REFLECT")(
                y, train=train
            )
        )
        for i, features in enumerate((2 * self.width, wide)):
            y = nn.relu(layer(f"down_{i}", features, 3, strides=2)(y, train=train))
        for i in range(self.blocks):
            inner = layer(f"block_{i}_0", wide, 3, padding="REFLECT")(y, train=train)
            inner = nn.relu(inner)
            y += layer(f"block_{i}_1", wide, 3, padding="REFLECT")(inner, train=train)
        for i, features in enumerate((2 * self.width, self.width)):
            up = layer(f"up_{i}", features, 3, upsampling=self.upsampling)
            y = nn.relu(up(y, train=train))
        y = y[:, :height, :width]
        last = layer(
            "to_image",
            self.target_shape[-1],
            self.outer_kernel,
            padding="REFLECT",
            norm="none",
        )
        return jnp.tanh(last(y).astype(jnp.float32))
