"""A U-Net of residual blocks that sees a time."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.convolution import Conv
from genlab.nn.resample import halved, nearest
from genlab.nn.time import TimeEmbedding
from genlab.numbers import Count, Whole
from genlab.registry import models

Array = jax.Array
GROUP = 4  # channels that are normalised together


@models.register
class TimeUnet(nn.Module):
    """From an image and a time to an image of the same shape, as DDPM's network made small.

    At each resolution residual blocks of two 3x3 convolutions, group-normalised, that the time shifts; means
    of 2x2 pixels down and nearest pixels up; each block on the way up sees the one of its place on the way
    down; at the lowest resolution all pixels attend to each other. The last convolution starts at 0.

    Attributes:
      example_shape: (H, W, C).
      width: channels of the first resolution, a multiple of 4.
      multiples: of the width at each resolution.
      blocks: residual blocks of each resolution.
      heads: of the attention; 0 for none.
      dtype: type of the computation.

    Paper: Ho, Jain & Abbeel 2020, arXiv:2006.11239
    """

    example_shape: Sequence[Count]
    width: Count = 32
    multiples: Sequence[Count] = (1, 2, 2)
    blocks: Count = 1
    heads: Whole = 4
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        time: Array,
        condition: Array | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """`x: [B, H, W, C]`, `time: [B]` and a `condition: [B, K]` or none to [B, H, W, C], float32.

        Raises:
          InputError: the image cannot be halved as often, or the width is no multiple of 4.
        """
        self._check(x)
        when = nn.silu(TimeEmbedding(4 * self.width, name="time")(time, condition))
        when = when.astype(self.dtype)
        block = lambda width, name: ResidualBlock(width, dtype=self.dtype, name=name)
        h = Conv(self.width, 3, dtype=self.dtype, name="first")(x.astype(self.dtype))
        seen = [h]
        for level, multiple in enumerate(self.multiples):
            if level:
                h = halved(h)
            for i in range(self.blocks):
                h = block(self.width * multiple, f"down_{level}_{i}")(h, when)
                seen.append(h)
        h = block(h.shape[-1], "middle_0")(h, when)
        if self.heads:
            h = PixelAttention(self.heads, dtype=self.dtype, name="attention")(h)
        h = block(h.shape[-1], "middle_1")(h, when)
        for level, multiple in reversed(list(enumerate(self.multiples))):
            for i in range(self.blocks + (level == 0)):
                h = jnp.concatenate([h, seen.pop()], axis=-1)
                h = block(self.width * multiple, f"up_{level}_{i}")(h, when)
            if level:
                h = nearest(h)
        h = nn.silu(_group_norm("norm", self.dtype)(h))
        head = Conv(
            x.shape[-1],
            3,
            kernel_init=nn.initializers.zeros,
            dtype=self.dtype,
            name="head",
        )
        return head(h).astype(jnp.float32)

    def _check(self, x: Array) -> None:
        stride = 2 ** (len(self.multiples) - 1)
        if x.ndim != 4 or x.shape[1] % stride or x.shape[2] % stride:
            raise InputError(
                f"'time_unet' of {len(self.multiples)} resolutions is of images whose sides are multiples of"
                f" {stride}, not of examples {x.shape[1:]}; set data.image_size, or fewer multiples"
            )
        if self.width % GROUP:
            raise InputError(
                f"'time_unet' normalises {GROUP} channels together, which do not divide a width of"
                f" {self.width}; take a multiple of {GROUP}"
            )


class ResidualBlock(nn.Module):
    """x + two convolutions, between which a vector shifts every channel.

    Attributes:
      width: channels.
      dtype: type of the computation.
    """

    width: Count
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, when: Array) -> Array:
        """`x: [B, H, W, C]` and `when: [B, K]` to [B, H, W, width]."""
        conv = lambda name, **knobs: Conv(
            self.width, 3, dtype=self.dtype, name=name, **knobs
        )
        h = conv("conv_0")(nn.silu(_group_norm("norm_0", self.dtype)(x)))
        shift = nn.Dense(self.width, use_bias=False, dtype=self.dtype, name="time")(
            when
        )
        h = _group_norm("norm_1", self.dtype)(h + shift[:, None, None])
        h = conv("conv_1", kernel_init=nn.initializers.zeros)(nn.silu(h))
        if x.shape[-1] != self.width:
            x = Conv(self.width, 1, dtype=self.dtype, name="skip")(x)
        return x + h


class PixelAttention(nn.Module):
    """x + attention of all pixels to each other, group-normalised before.

    Attributes:
      heads: which divide the channels.
      dtype: type of the computation.
    """

    heads: Count
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, H, W, C]` to the same shape."""
        tokens = _group_norm("norm", self.dtype)(x).reshape(x.shape[0], -1, x.shape[-1])
        attend = nn.MultiHeadDotProductAttention(
            self.heads,
            use_bias=False,  # that of the keys would move nothing but by rounding
            dtype=self.dtype,
            out_kernel_init=nn.initializers.zeros,
            name="attend",
        )
        return x + attend(tokens).reshape(x.shape)


def _group_norm(name: str, dtype: Any) -> nn.GroupNorm:
    return nn.GroupNorm(None, group_size=GROUP, dtype=dtype, name=name)
