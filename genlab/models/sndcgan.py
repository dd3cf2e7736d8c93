"""The convolutional networks that spectral normalisation was shown with."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.norm import BatchNorm
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

_weights = nn.initializers.normal(0.02)


@models.register
class SndcganGenerator(nn.Module):
    """SNDCGAN's generator: a dense layer to an eighth of the image, and three doublings.

    Every layer but the last is followed by batch normalisation and ReLU.

    Paper: Miyato et al. 2018, arXiv:1802.05957, table 3

    Attributes:
      image_shape: (H, W, C) with H and W multiples of 8.
      width: channels of the last hidden layer; each layer before has twice as many
        (64: 512-256-128-64).
      dtype: type of the computation.
    """

    output_range: ClassVar = (-1.0, 1.0)

    image_shape: Sequence[Count]
    width: Count = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to images: [B, H, W, C] in [-1, 1], float32.

        Raises:
          InputError: a side of `image_shape` is no multiple of 8.
        """
        rows, columns = _eighths(self.image_shape)
        options = dict(dtype=self.dtype, kernel_init=_weights)
        dense = nn.Dense(rows * columns * 8 * self.width, name="first", **options)
        y = dense(x.astype(self.dtype)).reshape(-1, rows, columns, 8 * self.width)
        y = nn.relu(BatchNorm(name="norm_0")(y, train=train))
        for i in range(3):
            y = ConvTranspose(
                2 ** (2 - i) * self.width, 4, 2, name=f"up_{i}", **options
            )(y)
            y = nn.relu(BatchNorm(name=f"norm_{i + 1}")(y, train=train))
        y = Conv(self.image_shape[-1], 3, name="to_image", **options)(y)
        return jnp.tanh(y.astype(jnp.float32))


@models.register
class SndcganDiscriminator(nn.Module):
    """SNDCGAN's discriminator: 3x3 convolutions, 4x4 ones that halve between them, and a dense layer.

    LeakyReLU of slope 0.1, no norm; `spectral` around it makes it the paper's.

    Paper: Miyato et al. 2018, arXiv:1802.05957, in the widths of their code

    Attributes:
      image_shape: (H, W, C) with H and W multiples of 8; images may have more channels.
      width: channels of the first layer; each that halves has twice as many as the one before
        (64: 64, 128-128, 256-256, 512-512).
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    width: Count = 64
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.head = nn.Dense(1, dtype=self.dtype, kernel_init=_weights)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps images `x: [B, H, W, C] in [-1, 1]` to logits [B], float32."""
        return self.head(self.features(x, train=train))[:, 0].astype(jnp.float32)

    @nn.compact
    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last map of `x: [B, H, W, C]`, flattened: [B, H/8 * W/8 * 8 width], float32.

        Raises:
          InputError: `x` has another size than `image_shape`, or that one is not usable.
        """
        del train
        _eighths(self.image_shape)
        if x.shape[1:3] != tuple(self.image_shape[:2]):
            raise InputError(
                f"the discriminator got images {x.shape[1:]};"
                f" its image_shape is {tuple(self.image_shape)}"
            )
        y = x.astype(self.dtype)
        for i in range(7):
            features, size = 2 ** ((i + 1) // 2) * self.width, 3 + i % 2
            options = dict(dtype=self.dtype, kernel_init=_weights, name=f"conv_{i}")
            y = Conv(features, size, strides=1 + i % 2, **options)(y)
            y = nn.leaky_relu(y, 0.1)
        return y.reshape(y.shape[0], -1).astype(jnp.float32)


def _eighths(image_shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns at an eighth of the image."""
    height, width, _ = image_shape
    if height % 8 or width % 8:
        raise InputError(
            f"SNDCGAN cannot make images of shape {tuple(image_shape)}; it needs sides that are"
            " multiples of 8, such as 32 or 48"
        )
    return height // 8, width // 8
