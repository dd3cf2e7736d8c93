"""The residual networks of SNGAN, with self-attention where it is asked for."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.attention import SelfAttention
from genlab.nn.convolution import Conv
from genlab.nn.norm import BatchNorm
from genlab.nn.resample import halved, nearest
from genlab.numbers import Count, Whole
from genlab.registry import models

Array = jax.Array

_glorot = nn.initializers.glorot_uniform()
_glorot_twice = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")


@models.register
class SnganGenerator(nn.Module):
    """SNGAN's generator: a dense layer to a small map, and residual blocks that double it.

    Paper: Miyato et al. 2018, arXiv:1802.05957; self-attention: Zhang et al. 2019, arXiv:1805.08318

    Attributes:
      image_shape: (H, W, C) with sides that the doublings reach from 3 pixels or more.
      widths: channels of the small map, and of each block, which doubles it. 32 px: 256-256-256-256;
        48 px: 512-256-128-64; 64 px: 1024-512-256-128-64.
      attention: sides of the maps after whose block there is self-attention, such as (32,).
      dtype: type of the computation.
    """

    output_range: ClassVar = (-1.0, 1.0)

    image_shape: Sequence[Count]
    widths: Sequence[Count] = (256, 256, 256, 256)
    attention: Sequence[Count] = ()
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to images: [B, H, W, C] in [-1, 1], float32.

        Raises:
          InputError: the doublings do not reach `image_shape`, or no map has a side of `attention`.
        """
        first, *others = self.widths
        rows, columns = _smallest(self.image_shape, len(others))
        dense = nn.Dense(
            rows * columns * first, dtype=self.dtype, kernel_init=_glorot, name="first"
        )
        y = dense(x.astype(self.dtype)).reshape(-1, rows, columns, first)
        sides = [rows * 2 ** (i + 1) for i in range(len(others))]
        _check_attention(self.attention, sides)
        for i, (features, side) in enumerate(zip(others, sides)):
            y = _Enlarging(features, self.dtype, name=f"block_{i}")(y, train=train)
            if side in self.attention:
                y = SelfAttention(self.dtype, name=f"attention_{i}")(y)
        y = nn.relu(BatchNorm(name="norm")(y, train=train))
        options = dict(dtype=self.dtype, kernel_init=_glorot, name="to_image")
        return jnp.tanh(Conv(self.image_shape[-1], 3, **options)(y).astype(jnp.float32))


@models.register
class SnganDiscriminator(nn.Module):
    """SNGAN's discriminator: residual blocks, the first of which halve, a sum over pixels, a dense layer.

    No norm; `spectral` around it makes it the paper's.

    Paper: Miyato et al. 2018, arXiv:1802.05957; self-attention: Zhang et al. 2019, arXiv:1805.08318

    Attributes:
      image_shape: (H, W, C) with sides that can be halved; images may have more channels.
      widths: channels of each block. 32 px: 128-128-128-128; 48 px: 64-128-256-512-1024.
      halvings: blocks that halve, 2 at 32 px and 4 at 48 px.
      attention: sides of the maps after whose block there is self-attention.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    widths: Sequence[Count] = (128, 128, 128, 128)
    halvings: Whole = 2
    attention: Sequence[Count] = ()
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.head = nn.Dense(1, dtype=self.dtype, kernel_init=_glorot)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps images `x: [B, H, W, C] in [-1, 1]` to logits [B], float32."""
        return self.head(self.features(x, train=train))[:, 0].astype(jnp.float32)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last map of `x: [B, H, W, C]` summed over pixels: [B, widths[-1]], float32."""
        return self.maps(x, train=train).sum(axis=(1, 2))

    @nn.compact
    def maps(self, x: Array, *, train: bool = False) -> Array:
        """Local features of `x: [B, H, W, C]`, the last map: [B, h, w, widths[-1]], float32.

        Raises:
          InputError: `x` has another size than `image_shape`, that one cannot be halved so often, there
            are fewer blocks than halvings, or no map has a side of `attention`.
        """
        del train
        if x.shape[1:3] != tuple(self.image_shape[:2]):
            raise InputError(
                f"the discriminator got images {x.shape[1:]};"
                f" its image_shape is {tuple(self.image_shape)}"
            )
        if self.halvings > len(self.widths):
            raise InputError(
                f"halvings={self.halvings} needs as many blocks; widths={tuple(self.widths)} has"
                f" {len(self.widths)}"
            )
        _smallest(self.image_shape, self.halvings)
        numbers = range(len(self.widths))
        sides = [x.shape[1] // 2 ** min(i + 1, self.halvings) for i in numbers]
        _check_attention(self.attention, sides)
        y = x.astype(self.dtype)
        for i, (features, side) in enumerate(zip(self.widths, sides)):
            block = _Judging(
                features, i == 0, i < self.halvings, self.dtype, name=f"block_{i}"
            )
            y = block(y)
            if side in self.attention and side not in sides[:i]:
                y = SelfAttention(self.dtype, name=f"attention_{i}")(y)
        return nn.relu(y).astype(jnp.float32)


class _Enlarging(nn.Module):
    """A residual block that doubles the image."""

    features: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        options = dict(dtype=self.dtype, use_bias=False)  # which the norms take out
        conv = lambda name, size, start: Conv(
            self.features, size, kernel_init=start, name=name, **options
        )
        y = nn.relu(BatchNorm(name="norm_0")(x, train=train))
        y = conv("conv_0", 3, _glorot_twice)(nearest(y))
        y = nn.relu(BatchNorm(name="norm_1")(y, train=train))
        # A 1x1 convolution and the repeating of pixels commute.
        shortcut = nearest(conv("shortcut", 1, _glorot)(x))
        return conv("conv_1", 3, _glorot_twice)(y) + shortcut


class _Judging(nn.Module):
    """A residual block that may halve the image; the first of a network begins with a convolution."""

    features: int
    first: bool
    halves: bool
    dtype: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        def conv(name: str, features: int, size: int, start: Any) -> Conv:
            return Conv(features, size, dtype=self.dtype, kernel_init=start, name=name)

        hidden = self.features if self.first else x.shape[-1]
        y = x if self.first else nn.relu(x)
        y = nn.relu(conv("conv_0", hidden, 3, _glorot_twice)(y))
        y = conv("conv_1", self.features, 3, _glorot_twice)(y)
        y, shortcut = (halved(y), halved(x)) if self.halves else (y, x)
        if self.first or self.halves or x.shape[-1] != self.features:
            # A 1x1 convolution and the mean of pixels commute.
            shortcut = conv("shortcut", self.features, 1, _glorot)(shortcut)
        return y + shortcut


def _smallest(image_shape: Sequence[int], doublings: int) -> tuple[int, int]:
    """Rows and columns of the map that so many doublings make an image of."""
    height, width, _ = image_shape
    factor = 2**doublings
    if height % factor or width % factor or min(height, width) < 3 * factor:
        raise InputError(
            f"images of shape {tuple(image_shape)} cannot be halved {doublings} times to 3 pixels or"
            f" more; take sides that are multiples of {factor} from {4 * factor}, or fewer blocks"
            " that halve or double"
        )
    return height // factor, width // factor


def _check_attention(attention: Sequence[int], sides: Sequence[int]) -> None:
    if missing := sorted(set(attention) - set(sides)):
        raise InputError(
            f"attention={tuple(attention)}: no map has a side of {missing[0]}; they have"
            f" {', '.join(map(str, dict.fromkeys(sides)))}"
        )
