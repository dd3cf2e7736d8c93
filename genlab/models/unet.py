"""The U-Net of pix2pix."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.activation import leaky_relu
from genlab.nn.dropout import Dropout
from genlab.nn.normed import NormedConv
from genlab.numbers import Count, Range
from genlab.registry import models

Array = jax.Array


@models.register
class UNet(nn.Module):
    """From an image to an image of the same size, through ever smaller maps with skips across.

    Encoder: 4x4 convolutions of stride 2 and widths w, 2w, 4w, 8w, 8w, ...; decoder: the same back,
    each level joined to the encoder's map of its size. Every layer but the first, the innermost of
    the encoder and the last is normalised. The three innermost levels of the decoder, or all
    where it has fewer, drop out in training mode, which is the only noise. A side that is odd at
    some level is rounded up by the encoder and cropped back by the decoder.

    Paper: Isola et al. 2017, arXiv:1611.07004; Ronneberger et al. 2015, arXiv:1505.04597

    Attributes:
      target_shape: (H, W, C); C channels are made.
      width: channels of the first layer.
      depth: layers of the encoder; the stride of the network is 2**depth (8 for 256 px).
      norm: `batch`, `instance` or `none`.
      dropout: rate of the three innermost decoder levels; None for none.
      upsampling: `transposed`, or `resize` or `bilinear` against checkerboards.
      dtype: type of the computation.
    """

    output_range: ClassVar = (-1.0, 1.0)

    target_shape: Sequence[Count]
    width: Count = 64
    depth: Count = 8
    norm: str = "batch"
    dropout: Annotated[float, Range(0, 0.99)] | None = 0.5
    upsampling: str = "transposed"
    dtype: Any = jnp.float32

    @property
    def stride(self) -> int:
        """Sides of images are best a multiple of this, and no less."""
        return 2**self.depth

    @nn.compact
    def __call__(
        self, x: Array, z: Array | None = None, *, train: bool = False
    ) -> Array:
        """Maps `x: [B, H, W, C'] in [-1, 1]` to [B, H, W, C] in [-1, 1], float32.

        A latent `z: [B, Z]` is seen at every pixel of the input.

        Raises:
          InputError: a side of the images is smaller than the stride, or a depth below 2.
        """
        _check_size(self, x)
        if z is not None:
            plane = jnp.broadcast_to(z[:, None, None], (*x.shape[:3], z.shape[-1]))
            x = jnp.concatenate([x, plane], axis=-1)
        maps, y = [], x.astype(self.dtype)
        for level in range(self.depth):
            y = self._down(level)(leaky_relu(y) if level else y, train=train)
            maps.append(y)
        maps.pop()
        for level in reversed(range(self.depth - 1)):
            skip = maps.pop()
            y = self._up(level)(nn.relu(y), train=train)
            if self.depth - 2 - level < 3:
                y = Dropout(self.dropout, name=f"dropout_{level}")(y, train=train)
            y = jnp.concatenate([y[:, : skip.shape[1], : skip.shape[2]], skip], axis=-1)
        y = NormedConv(
            self.target_shape[-1],
            kernel_size=4,
            norm="none",
            upsampling=self.upsampling,
            dtype=self.dtype,
            name="to_image",
        )(nn.relu(y))
        return jnp.tanh(y[:, : x.shape[1], : x.shape[2]].astype(jnp.float32))

    def _features(self, level: int) -> int:
        return self.width * min(2**level, 8)

    def _down(self, level: int) -> NormedConv:
        bare = level in (0, self.depth - 1)
        return NormedConv(
            self._features(level),
            kernel_size=4,
            strides=2,
            norm="none" if bare else self.norm,
            use_bias=self.norm != "batch",  # as in the published network
            dtype=self.dtype,
            name=f"down_{level}",
        )

    def _up(self, level: int) -> NormedConv:
        return NormedConv(
            self._features(level),
            kernel_size=4,
            norm=self.norm,
            upsampling=self.upsampling,
            dtype=self.dtype,
            name=f"up_{level}",
        )


def _check_size(network: UNet, x: Array) -> None:
    if network.depth < 2:
        raise InputError(
            f"a U-Net of depth {network.depth} has no skip; take 2 or more"
        )
    side = min(x.shape[1:3])
    if side < network.stride:
        fits = f"depth {side.bit_length() - 1} or " if side >= 4 else ""
        raise InputError(
            f"images of {x.shape[1]} x {x.shape[2]} pixels are smaller than the U-Net's stride,"
            f" 2**depth = {network.stride}; take {fits}larger images"
        )
