"""Small convolutional networks for images of any size: encoders, decoder, classifier."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.activation import activation
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.gaussian import as_gaussian, gaussian_outputs
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class ConvEncoder(nn.Module):
    """Strided convolutions from an image to a Gaussian posterior.

    Attributes:
      latent_dim: width Z of the code.
      channels: channels of each layer; each halves height and width.
      hidden: width of the dense layer before the code.
      activation: name of the function after each layer.
      covariance: `diagonal`, or `full`.
      dtype: type of the computation.
    """

    latent_dim: Count
    channels: Sequence[Count] = (32, 64)
    hidden: Count = 256
    activation: str = "relu"
    covariance: str = "diagonal"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        sizes = self.channels, self.hidden, self.activation, self.dtype
        self.trunk = _Trunk(*sizes, name="_Trunk_0")
        outputs = gaussian_outputs(self.latent_dim, self.covariance)
        self.head = nn.Dense(outputs, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The layer before the code of `x: [B, H, W, C]`: [B, hidden], float32."""
        del train
        return self.trunk(x).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, ...]:
        """Maps `x: [B, H, W, C]` to mean and log-variance, each [B, Z], float32, and with a full
        covariance its factor, [B, Z, Z]."""
        del train
        y = self.head(self.trunk(x)).astype(jnp.float32)
        return as_gaussian(y, self.latent_dim)


@models.register
class ConvCodeEncoder(nn.Module):
    """Strided convolutions from an image to a code, a pyramid of ever coarser maps.

    Attributes:
      latent_dim: width Z of the code.
      channels: channels of each layer; each halves height and width.
      hidden: width of the dense layer before the code.
      activation: name of the function after each layer.
      code_activation: name of the function that makes the code.
      dtype: type of the computation.

    Paper: Masci et al. 2011, ICANN, "Stacked convolutional auto-encoders"
    """

    latent_dim: Count
    channels: Sequence[Count] = (32, 64)
    hidden: Count = 256
    activation: str = "relu"
    code_activation: str = "identity"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C]` to codes [B, Z], float32."""
        del train
        trunk = _Trunk(self.channels, self.hidden, self.activation, self.dtype)
        code = nn.Dense(self.latent_dim, dtype=self.dtype, name="code")(trunk(x))
        return activation(self.code_activation)(code).astype(jnp.float32)


@models.register
class ConvDecoder(nn.Module):
    """Transposed convolutions from a code to Bernoulli logits or Gaussian means.

    Attributes:
      image_shape: (H, W, C); a size that doublings do not reach is cropped.
      channels: channels of each layer; each doubles height and width.
      hidden: width of the dense layer after the code.
      activation: name of the function after each layer.
      dtype: type of the computation.
    """

    image_shape: Sequence[Count]
    channels: Sequence[Count] = (64, 32)
    hidden: Count = 256
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, Z]` to [B, *image_shape], real, float32."""
        del train
        function = activation(self.activation)
        height, width, image_channels = self.image_shape
        scale = 2 ** len(self.channels)
        start = (-(-height // scale), -(-width // scale), self.channels[0])
        y = function(nn.Dense(self.hidden, dtype=self.dtype, name="hidden")(x))
        y = function(nn.Dense(math.prod(start), dtype=self.dtype, name="grid")(y))
        y = y.reshape(x.shape[0], *start)
        for i, channels in enumerate((*self.channels[1:], image_channels)):
            y = ConvTranspose(channels, 4, 2, dtype=self.dtype, name=f"conv_{i}")(y)
            y = function(y) if i + 1 < len(self.channels) else y
        return y[:, :height, :width].astype(jnp.float32)


@models.register
class ConvClassifier(nn.Module):
    """Strided convolutions from an image to class logits.

    Attributes:
      num_classes: number of classes.
      channels: channels of each layer; each halves height and width.
      hidden: width of the dense layer before the logits.
      activation: name of the function after each layer.
      dtype: type of the computation.
    """

    num_classes: Count
    channels: Sequence[Count] = (32, 64)
    hidden: Count = 256
    activation: str = "relu"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.trunk = _Trunk(self.channels, self.hidden, self.activation, self.dtype)
        self.head = nn.Dense(self.num_classes, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The layer before the logits of `x: [B, H, W, C]`: [B, hidden], float32."""
        del train
        return self.trunk(x).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C]` to logits [B, num_classes], float32."""
        return self.head(self.features(x, train=train)).astype(jnp.float32)


class _Trunk(nn.Module):
    """`[B, H, W, C]` to `[B, hidden]`."""

    channels: Sequence[Count]
    hidden: Count
    activation: str
    dtype: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        function = activation(self.activation)
        y = x.astype(self.dtype)
        for i, channels in enumerate(self.channels):
            y = Conv(channels, 4, 2, dtype=self.dtype, name=f"conv_{i}")(y)
            y = function(y)
        y = y.reshape(x.shape[0], -1)
        return function(nn.Dense(self.hidden, dtype=self.dtype, name="hidden")(y))
