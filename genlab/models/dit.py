"""A transformer of patches that sees a time."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.convolution import Conv
from genlab.nn.time import TimeEmbedding
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Dit(nn.Module):
    """From an image and a time to an image of the same shape, by attention between patches.

    Every block scales and shifts what it normalises, and gates what it adds, by vectors that a linear layer makes of
    the time; those layers start at 0 and with them every block at the identity (adaLN-Zero). So does the last
    layer. Patches have learned places.

    Attributes:
      example_shape: (H, W, C), sides that are multiples of `patch`.
      patch: side of a patch.
      width: of a patch's vector, a multiple of `heads`.
      blocks: attention and a perceptron each.
      heads: of the attention.
      dtype: type of the computation.

    Paper: Peebles & Xie 2023, arXiv:2212.09748
    """

    example_shape: Sequence[Count]
    patch: Count = 2
    width: Count = 128
    blocks: Count = 4
    heads: Count = 4
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
          InputError: patches that do not fill the image, or heads that do not divide the width.
        """
        del train
        self._check(x)
        when = nn.silu(TimeEmbedding(self.width, name="time")(time, condition))
        when = when.astype(self.dtype)
        conv = Conv(
            self.width, self.patch, self.patch, "VALID", dtype=self.dtype, name="embed"
        )
        patches = conv(x.astype(self.dtype))
        tokens = patches.reshape(x.shape[0], -1, self.width)
        start = nn.initializers.normal(0.02)
        places = self.param("places", start, tokens.shape[1:])
        tokens = tokens + places[None].astype(self.dtype)
        for i in range(self.blocks):
            block = DitBlock(self.heads, dtype=self.dtype, name=f"block_{i}")
            tokens = block(tokens, when)
        shift, scale = _told(when, 2, self.width, "told")
        tokens = _normalised(tokens, shift, scale)
        out = nn.Dense(
            self.patch**2 * x.shape[-1],
            kernel_init=nn.initializers.zeros,
            dtype=self.dtype,
            name="head",
        )(tokens)
        return self._image(out.astype(jnp.float32), patches.shape[1:3])

    def _image(self, tokens: Array, grid: Sequence[int]) -> Array:
        """[B, H, W, C] of patches `tokens: [B, H W / patch^2, patch^2 C]`."""
        rows, columns = grid
        parts = tokens.reshape(
            -1, rows, columns, self.patch, self.patch, self._channels
        )
        shape = (-1, rows * self.patch, columns * self.patch, self._channels)
        return parts.transpose(0, 1, 3, 2, 4, 5).reshape(shape)

    @property
    def _channels(self) -> int:
        return self.example_shape[-1]

    def _check(self, x: Array) -> None:
        if x.ndim != 4 or x.shape[1] % self.patch or x.shape[2] % self.patch:
            raise InputError(
                f"'dit' of patch={self.patch} is of images whose sides are multiples of it, not of examples"
                f" {x.shape[1:]}; set data.image_size, or another patch"
            )
        if self.width % self.heads:
            raise InputError(
                f"'dit' of {self.heads} heads cannot share a width of {self.width}; take a multiple"
            )


class DitBlock(nn.Module):
    """Attention of all patches to each other and a perceptron, each normalised before and gated after.

    Attributes:
      heads: of the attention.
      dtype: type of the computation.
    """

    heads: Count
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, when: Array) -> Array:
        """`x: [B, N, F]` and `when: [B, K]` to [B, N, F]."""
        width = x.shape[-1]
        told = _told(when, 6, width, "told")
        attend = nn.MultiHeadDotProductAttention(
            self.heads,
            use_bias=False,  # that of the keys would move nothing but by rounding
            dtype=self.dtype,
            name="attend",
        )
        x = x + told[2][:, None] * attend(_normalised(x, *told[:2]))
        h = nn.Dense(4 * width, dtype=self.dtype, name="wide")(
            _normalised(x, *told[3:5])
        )
        h = nn.Dense(width, dtype=self.dtype, name="narrow")(nn.gelu(h))
        return x + told[5][:, None] * h


def _told(when: Array, parts: int, width: int, name: str) -> list[Array]:
    """Vectors, [B, width] each, of `when: [B, K]`; 0 at first. Called inside a compact method."""
    zeros = nn.initializers.zeros
    dense = nn.Dense(parts * width, kernel_init=zeros, dtype=when.dtype, name=name)
    return jnp.split(dense(when), parts, axis=-1)


def _normalised(x: Array, shift: Array, scale: Array) -> Array:
    """Patches `x: [B, N, F]` with mean 0 and variance 1 each, scaled and shifted."""
    normal = nn.LayerNorm(use_bias=False, use_scale=False, dtype=x.dtype)(x)
    return normal * (1 + scale[:, None]) + shift[:, None]
