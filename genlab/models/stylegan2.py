"""StyleGAN2, without kernels of its own."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.nn.equalized import EqualizedConv, EqualizedDense, leaky_relu
from genlab.nn.minibatch import MinibatchDeviation
from genlab.nn.modulated import ModulatedConv
from genlab.nn.resample import bilinear
from genlab.numbers import Count, Fraction, Whole
from genlab.registry import models

Array = jax.Array

ARCHITECTURES = ("residual", "plain")


@models.register
class Stylegan2Generator(nn.Module):
    """StyleGAN2's generator: a mapping network, and modulated convolutions that sum up images of all sizes.

    `synthesis` of `mapping` is what it makes; a penalty of the path's length looks at both. In training every pixel has noise of its own and styles may be mixed; after it the noise is the same
    for all images. StyleGAN2-ADA's numbers for CIFAR-10 are the defaults with mapping_layers=2, and
    those of the paper for 1024 px the defaults.

    Paper: Karras et al. 2020, arXiv:1912.04958; CIFAR-10: Karras et al. 2020, arXiv:2006.06676

    Attributes:
      image_shape: (H, W, C) with H = W a power of two from 8.
      width: most channels of a map.
      capacity: channels times side, at most: 32,768 gives 512 channels up to 64 px, 256 at 128 px.
      mapping_layers: dense layers from z to w, with a hundredth of the learning rate.
      style_dim: length of w.
      mixing: share of the images in training that have the style of another z from a random layer on,
        0.9 in the paper; None for none.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    width: Count = 512
    capacity: Count = 32_768
    mapping_layers: Count = 8
    style_dim: Count = 512
    mixing: Fraction | None = None
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.layers = [
            EqualizedDense(self.style_dim, leaky_relu, 0.01, name=f"mapping_{i}")
            for i in range(self.mapping_layers)
        ]
        sides = _sides(self.image_shape)
        start = nn.initializers.normal(1.0)
        self.constant = self.param("constant", start, (4, 4, self._width(4)))
        self.convs = [
            _Styled(self._width(side), doubles, self.dtype, name=f"conv_{side}_{i}")
            for side in sides
            for i, doubles in enumerate((True, False))
            if side > 4 or not doubles
        ]
        channels = self.image_shape[-1]
        self.images = [
            _ToImage(channels, self.dtype, name=f"to_image_{side}") for side in sides
        ]

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to images: [B, H, W, C], about [-1, 1], float32.

        Raises:
          InputError: `image_shape` is not one that doublings from 4x4 reach.
        """
        styles = self.mapping(x)
        if train and self.mixing is not None:
            styles = self._mixed(styles, x.shape[1])
        return self.synthesis(styles, train=train)

    @property
    def styles(self) -> int:
        """How many layers have a style; the last makes the image."""
        return 2 * len(_sides(self.image_shape))

    def mapping(self, z: Array, *, train: bool = False) -> Array:
        """w of `z: [B, Z]`, brought to a mean square of 1, for every layer: [B, styles, style_dim]."""
        del train
        y = z.astype(jnp.float32)
        y = y * jax.lax.rsqrt(jnp.square(y).mean(axis=1, keepdims=True) + 1e-8)
        for layer in self.layers:
            y = layer(y)
        return jnp.broadcast_to(y[:, None], (len(y), self.styles, self.style_dim))

    def synthesis(self, styles: Array, *, train: bool = False) -> Array:
        """The image of `styles: [B, styles, style_dim]`: [B, H, W, C], about [-1, 1], float32."""
        batch, layer = len(styles), 0
        y = jnp.broadcast_to(self.constant[None], (batch, *self.constant.shape))
        y, image = y.astype(self.dtype), None
        for to_image in self.images:
            for _ in range(1 if image is None else 2):
                y = self.convs[layer](y, styles[:, layer], train=train)
                layer += 1
            more = to_image(y, styles[:, layer])
            image = more if image is None else bilinear(image) + more
        return image

    def _width(self, side: int) -> int:
        return min(self.width, max(self.capacity // side, 1))

    def _mixed(self, styles: Array, latent_dim: int) -> Array:
        key, count = self.make_rng("mixing"), len(styles)
        z = rng.normal(rng.fold(key, "latent"), (count, latent_dim))
        draws = rng.uniform(rng.fold(key, "layer"), (count, 2))
        # From layer 1 on at the earliest, so that both styles are seen.
        first = 1 + jnp.floor(draws[:, 1] * (self.styles - 1))
        first = jnp.where(draws[:, 0] < self.mixing, first, self.styles)
        later = jnp.arange(self.styles)[None] >= first[:, None]
        return jnp.where(later[..., None], self.mapping(z), styles)


@models.register
class Stylegan2Discriminator(nn.Module):
    """StyleGAN2's discriminator: blocks that halve, residual or not, and the deviation of a group.

    Paper: Karras et al. 2020, arXiv:1912.04958; CIFAR-10: Karras et al. 2020, arXiv:2006.06676

    Attributes:
      image_shape: (H, W, C) with H = W a power of two from 8; images may have more channels.
      width: most channels of a map.
      capacity: channels times side, at most.
      architecture: `residual`, or `plain`, ADA's for CIFAR-10.
      group: examples whose deviation is shown, 4 in the paper, 32 of ADA for CIFAR-10; 0 for none.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    width: Count = 512
    capacity: Count = 32_768
    architecture: str = "residual"
    group: Whole = 4
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.head = EqualizedDense(1)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps images `x: [B, H, W, C] in [-1, 1]` to logits [B], float32."""
        return self.head(self.features(x, train=train))[:, 0]

    @nn.compact
    def features(self, x: Array, *, train: bool = False) -> Array:
        """What the last layer sees of `x: [B, H, W, C]`: [B, width], float32.

        Raises:
          InputError: `x` has another size than `image_shape`, or that one is not usable; an unknown
            architecture; `group` does not divide the batch.
        """
        del train
        if x.shape[1:3] != tuple(self.image_shape[:2]):
            raise InputError(
                f"the discriminator got images {x.shape[1:]};"
                f" its image_shape is {tuple(self.image_shape)}"
            )
        if self.architecture not in ARCHITECTURES:
            hint = suggest(self.architecture, ARCHITECTURES)
            raise InputError(f"architecture {self.architecture!r} is unknown{hint}")
        sides = _sides(self.image_shape)
        conv = lambda features, size, name, function=leaky_relu, **how: EqualizedConv(
            features, size, function, dtype=self.dtype, name=name, **how
        )
        y = conv(self._width(sides[-1]), 1, "from_image")(x)
        for side in reversed(sides[1:]):
            width, seen = self._width(side // 2), y
            y = conv(self._width(side), 3, f"conv_{side}_0")(y)
            y = conv(width, 3, f"conv_{side}_1", halves=True)(y)
            if self.architecture == "residual":
                how = dict(function=None, halves=True, use_bias=False)
                skip = conv(width, 1, f"skip_{side}", **how)(seen)
                y = (y + skip) / jnp.sqrt(jnp.asarray(2, y.dtype))
        if self.group:
            y = MinibatchDeviation(self.group, name="deviation")(y)
        y = conv(self._width(4), 3, "conv_4")(y).reshape(len(x), -1)
        dense = EqualizedDense(self._width(4), leaky_relu, name="dense")
        return dense(y.astype(jnp.float32))

    def _width(self, side: int) -> int:
        return min(self.width, max(self.capacity // side, 1))


class _Styled(nn.Module):
    """A modulated convolution, noise, a bias and the leaky ReLU."""

    features: int
    doubles: bool
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, w: Array, *, train: bool) -> Array:
        conv = ModulatedConv(
            self.features, 3, doubles=self.doubles, dtype=self.dtype, name="conv"
        )
        y = conv(x, w)
        strength = self.param("noise", nn.initializers.zeros, ())
        shape = (len(x), *y.shape[1:3], 1)
        if train:
            noise = rng.normal(self.make_rng("noise"), shape)
        else:
            noise = jax.random.normal(jax.random.key(0), (1, *shape[1:]))
        y = y + (strength * noise).astype(y.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return leaky_relu(y + bias.astype(y.dtype)[None, None, None])


class _ToImage(nn.Module):
    """What a map adds to the image."""

    channels: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        conv = ModulatedConv(
            self.channels, 1, demodulates=False, dtype=self.dtype, name="conv"
        )
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        return conv(x, w).astype(jnp.float32) + bias[None, None, None]


def _sides(image_shape: Sequence[int]) -> list[int]:
    """Sides of the maps from 4 to the image's."""
    height, width, _ = image_shape
    if height != width or height < 8 or height & (height - 1):
        raise InputError(
            f"StyleGAN2 cannot make images of shape {tuple(image_shape)}; it needs a square"
            " whose side is a power of two from 8, such as 32 or 64"
        )
    return [2**i for i in range(2, height.bit_length())]
