"""The convolutional generator and discriminator of DCGAN."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.nn.activation import leaky_relu
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.norm import BatchNorm
from genlab.nn.resample import DOUBLINGS, check_upsampling
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

NORMS = ("batch", "none")

_weights = nn.initializers.normal(0.02)


@models.register
class DcganGenerator(nn.Module):
    """DCGAN's generator: transposed convolutions from a latent to an image.

    Every layer but the last is followed by batch normalisation and ReLU.

    Paper: Radford et al. 2016, arXiv:1511.06434

    Attributes:
      image_shape: (H, W, C) with H = W a power of two from 8.
      width: channels of the last hidden layer; each layer before has twice as many
        (64 px, width 128: 1024-512-256-128).
      upsampling: `transposed`, or `resize` or `bilinear` and a 3x3 convolution, against
        checkerboards.
      dtype: type of the computation.
    """

    output_range: ClassVar = (-1.0, 1.0)

    image_shape: Sequence[Count]
    width: Count = 128
    upsampling: str = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to images: [B, H, W, C] in [-1, 1], float32.

        Raises:
          InputError: `image_shape` is not one that doublings from 4x4 reach, or an unknown upsampling.
        """
        check_upsampling(self.upsampling)
        doublings = _doublings(self.image_shape)
        y = x[:, None, None].astype(self.dtype)
        for i in range(doublings):
            channels = self.width * 2 ** (doublings - 1 - i)
            y = self._enlarged(y, f"conv_{i}", channels, use_bias=False)
            y = nn.relu(_batch_norm(i)(y, train=train))
        y = self._enlarged(y, "to_image", self.image_shape[-1], use_bias=True)
        return jnp.tanh(y.astype(jnp.float32))

    def _enlarged(self, x: Array, name: str, channels: int, use_bias: bool) -> Array:
        """The latent as a map of 4x4, a map twice as large."""
        options = dict(
            use_bias=use_bias, dtype=self.dtype, kernel_init=_weights, name=name
        )
        if x.shape[1] == 1:
            return ConvTranspose(channels, 4, padding="VALID", **options)(x)
        if self.upsampling == "transposed":
            return ConvTranspose(channels, 4, 2, **options)(x)
        return Conv(channels, 3, **options)(DOUBLINGS[self.upsampling](x))


@models.register
class DcganDiscriminator(nn.Module):
    """DCGAN's discriminator: strided convolutions from an image to a logit.

    Every layer but the first and the last is batch-normalised; LeakyReLU of slope 0.2. A critic whose
    slope is penalised takes `norm="none"`.

    Paper: Radford et al. 2016, arXiv:1511.06434

    Attributes:
      image_shape: (H, W, C) with H = W a power of two from 8; images may have more channels.
      width: channels of the first layer, doubled by each that follows.
      norm: `batch`, or `none`.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    width: Count = 128
    norm: str = "batch"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        if self.norm not in NORMS:
            raise InputError(
                f"norm {self.norm!r} is unknown{suggest(self.norm, NORMS)}"
            )
        self.to_logit = Conv(
            1, kernel_size=4, padding="VALID", dtype=self.dtype, kernel_init=_weights
        )

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps images `x: [B, H, W, C] in [-1, 1]` to logits [B], float32.

        Raises:
          InputError: `x` has another size than `image_shape`, or that one is not usable.
        """
        y = self.to_logit(self._map(x, train))
        return y[:, 0, 0, 0].astype(jnp.float32)

    def maps(self, x: Array, *, train: bool = False) -> Array:
        """Local features of `x: [B, H, W, C]`, what the last layer sees as a map: [B, 4, 4, F], float32."""
        return self._map(x, train).astype(jnp.float32)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """What the last layer sees of `x: [B, H, W, C]`: [B, 16 times its channels], float32."""
        return self._map(x, train).reshape(x.shape[0], -1).astype(jnp.float32)

    @nn.compact
    def _map(self, x: Array, train: bool) -> Array:
        if x.shape[1:3] != tuple(self.image_shape[:2]):
            raise InputError(
                f"the discriminator got images {x.shape[1:]};"
                f" its image_shape is {tuple(self.image_shape)}"
            )
        y = x.astype(self.dtype)
        for i in range(_doublings(self.image_shape)):
            y = Conv(
                self.width * 2**i,
                kernel_size=4,
                strides=2,
                use_bias=i == 0 or self.norm == "none",
                dtype=self.dtype,
                kernel_init=_weights,
                name=f"conv_{i}",
            )(y)
            if i and self.norm == "batch":
                y = _batch_norm(i)(y, train=train)
            y = leaky_relu(y)
        return y


def _batch_norm(i: int) -> BatchNorm:
    def scale_init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        return 1 + 0.02 * jax.random.normal(key, shape, dtype)

    return BatchNorm(scale_init=scale_init, name=f"norm_{i}")


def _doublings(image_shape: Sequence[int]) -> int:
    """How many times 4x4 is doubled to reach the image."""
    height, width, _ = image_shape
    if height != width or height < 8 or height & (height - 1):
        raise InputError(
            f"DCGAN cannot make images of shape {tuple(image_shape)}; it needs a square"
            " whose side is a power of two from 8, such as 32 or 64"
        )
    return height.bit_length() - 3
