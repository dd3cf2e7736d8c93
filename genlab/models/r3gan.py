"""R3GAN's networks: residual blocks of grouped convolutions without any norm."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.convolution import Conv
from genlab.nn.grouped import GroupedConv
from genlab.nn.resample import bilinear, blurred
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

GAIN = math.sqrt(2 / (1 + 0.2**2))  # of a leaky ReLU of slope 0.2


@models.register
class R3ganGenerator(nn.Module):
    """R3GAN's generator: a learned 4x4 map whose channels a latent scales, and stages that double it.

    A stage doubles bilinearly and has residual blocks. The last convolution of a block starts at 0 and
    the others smaller the more blocks there are (Fixup), so that nothing is normalised. Images are halved
    here by smoothing with (1, 3, 3, 1) / 8, there with (1, 2, 1) / 4.

    Paper: Huang et al. 2024, arXiv:2501.05441; Fixup: Zhang, Dauphin & Ma 2019, arXiv:1901.09321

    Attributes:
      image_shape: (H, W, C) with H = W four times a power of two, as `widths` has stages.
      widths: channels of each stage, 768 at CIFAR-10's 32 px; the first is of 4x4 pixels.
      blocks: residual blocks of a stage, 2 there.
      groups: of the convolution inside a block, 96 there.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    widths: Sequence[Count] = (768, 768, 768, 768)
    blocks: Count = 2
    groups: Count = 96
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to images: [B, H, W, C], about [-1, 1], float32.

        Raises:
          InputError: the stages do not reach `image_shape`, or `groups` do not divide the channels.
        """
        del train
        _check_size(self.image_shape, self.widths)
        first = self.widths[0]
        basis = self.param("basis", nn.initializers.normal(1.0), (4, 4, first))
        scales = _dense(first, "first")(x)
        y = (basis[None] * scales[:, None, None]).astype(self.dtype)
        for stage, width in enumerate(self.widths):
            if stage:
                y = bilinear(_mixed(y, width, f"stage_{stage}", self.dtype))
            y = _blocks(self, y, stage)
        image = _conv(self.image_shape[-1], "to_image", self.dtype)(y)
        return image.astype(jnp.float32)


@models.register
class R3ganDiscriminator(nn.Module):
    """R3GAN's discriminator: the generator's stages backwards, and a 4x4 convolution of each channel.

    Paper: Huang et al. 2024, arXiv:2501.05441; Fixup: Zhang, Dauphin & Ma 2019, arXiv:1901.09321

    Attributes:
      image_shape: (H, W, C) with H = W four times a power of two; images may have more channels.
      widths: channels of each stage, from the image's to that of 4x4 pixels.
      blocks: residual blocks of a stage.
      groups: of the convolution inside a block.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    widths: Sequence[Count] = (768, 768, 768, 768)
    blocks: Count = 2
    groups: Count = 96
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.head = _dense(1, None)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps images `x: [B, H, W, C] in [-1, 1]` to logits [B], float32."""
        return self.head(self.features(x, train=train))[:, 0]

    @nn.compact
    def features(self, x: Array, *, train: bool = False) -> Array:
        """What the last layer sees of `x: [B, H, W, C]`: [B, widths[-1]], float32.

        Raises:
          InputError: `x` has another size than `image_shape`, the stages do not reach that one, or
            `groups` do not divide the channels.
        """
        del train
        if x.shape[1:3] != tuple(self.image_shape[:2]):
            raise InputError(
                f"the discriminator got images {x.shape[1:]};"
                f" its image_shape is {tuple(self.image_shape)}"
            )
        _check_size(self.image_shape, self.widths)
        y = _conv(self.widths[0], "from_image", self.dtype)(x)
        for stage, width in enumerate(self.widths):
            if stage:
                y = blurred(y, 1, 1)[:, ::2, ::2]
                y = _mixed(y, width, f"stage_{stage}", self.dtype)
            y = _blocks(self, y, stage)
        drawn = nn.initializers.normal(1 / 4)  # of 16 pixels
        basis = self.param("basis", drawn, y.shape[1:])
        return jnp.sum(y.astype(jnp.float32) * basis[None], axis=(1, 2))


class _Block(nn.Module):
    """x + W3 f(W2 f(W1 x)): to twice the channels, 3x3 in groups, and back from 0."""

    groups: int
    gain: float
    dtype: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        wide = 2 * x.shape[-1]
        y = _conv(wide, "conv_0", self.dtype, self.gain)(x)
        y = self._function(y, "bias_0")
        options = dict(dtype=self.dtype, kernel_init=_scaled(self.gain))
        y = GroupedConv(wide, 3, self.groups, name="conv_1", **options)(y)
        y = self._function(y, "bias_1")
        return x + _conv(x.shape[-1], "conv_2", self.dtype, 0.0)(y)

    def _function(self, x: Array, name: str) -> Array:
        bias = self.param(name, nn.initializers.zeros, x.shape[-1:])
        return nn.leaky_relu(x + bias.astype(x.dtype)[None, None, None], 0.2)


def _blocks(
    network: R3ganGenerator | R3ganDiscriminator, x: Array, stage: int
) -> Array:
    every = network.blocks * len(network.widths)
    # m = 3 layers in a block: L ** (-1 / (2 m - 2)).
    gain = GAIN * every**-0.25
    for i in range(network.blocks):
        block = _Block(network.groups, gain, network.dtype, name=f"block_{stage}_{i}")
        x = block(x)
    return x


def _mixed(x: Array, width: int, name: str, dtype: Any) -> Array:
    """Other channels by a 1x1 convolution, where there are to be others."""
    return x if x.shape[-1] == width else _conv(width, name, dtype)(x)


def _conv(features: int, name: str, dtype: Any, gain: float = 1.0) -> Conv:
    options = dict(use_bias=False, dtype=dtype, kernel_init=_scaled(gain), name=name)
    return Conv(features, 1, **options)


def _dense(features: int, name: str | None) -> nn.Dense:
    return nn.Dense(features, use_bias=False, kernel_init=_scaled(1.0), name=name)


def _scaled(gain: float) -> nn.initializers.Initializer:
    """Normal, of deviation `gain` / sqrt(fan in)."""
    if not gain:
        return nn.initializers.zeros
    return nn.initializers.variance_scaling(gain**2, "fan_in", "normal")


def _check_size(image_shape: Sequence[int], widths: Sequence[int]) -> None:
    height, width, _ = image_shape
    side = 4 * 2 ** (len(widths) - 1)
    if (height, width) != (side, side):
        raise InputError(
            f"{len(widths)} stages from 4 x 4 pixels make images of {side} x {side}, not of shape"
            f" {tuple(image_shape)}; take as many widths as doublings and one more, or data.image_size"
            f"={side}"
        )
