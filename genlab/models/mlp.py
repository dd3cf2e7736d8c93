"""Multilayer perceptrons in every role, for points and small images."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.nn.activation import activation
from genlab.nn.gaussian import as_gaussian, gaussian_outputs
from genlab.nn.norm import BatchNorm
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

NORMS = ("none", "batch")


@models.register
class Mlp(nn.Module):
    """Multilayer perceptron on flattened examples.

    Attributes:
      hidden: widths of the hidden layers; may be empty.
      outputs: width of the last, linear layer.
      activation: name of the function after each hidden layer.
      dtype: type of the computation.
      norm: `batch` normalises each hidden layer before its function; or `none`.
    """

    hidden: Sequence[Count]
    outputs: Count
    activation: str = "relu"
    dtype: Any = jnp.float32
    norm: str = "none"

    def setup(self) -> None:
        if self.norm not in NORMS:
            raise InputError(
                f"norm {self.norm!r} is unknown{suggest(self.norm, NORMS)}"
            )
        normed = self.norm == "batch"
        self.trunk = [
            nn.Dense(n, use_bias=not normed, dtype=self.dtype, name=f"hidden_{i}")
            for i, n in enumerate(self.hidden)
        ]
        self.norms = [
            BatchNorm(name=f"norm_{i}") for i in range(len(self.hidden) * normed)
        ]
        self.head = nn.Dense(self.outputs, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last hidden layer of `x: [B, ...]`: [B, hidden[-1]]."""
        x = x.reshape(x.shape[0], -1).astype(self.dtype)
        for i, layer in enumerate(self.trunk):
            x = layer(x)
            x = self.norms[i](x, train=train) if self.norms else x
            x = activation(self.activation)(x)
        return x

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to [B, outputs], float32."""
        return self.head(self.features(x, train=train)).astype(jnp.float32)


@models.register
class MlpGenerator(nn.Module):
    """Perceptron from a latent to an example.

    With `hidden=(400, 400, 400, 400)` and `norm="batch"` it is PacGAN's for points in the plane.

    Paper: Lin, Khetan, Fanti & Oh 2018, arXiv:1712.04086

    Attributes:
      example_shape: shape of one example, (H, W, C) or (D,).
      hidden: widths of the hidden layers.
      activation: name of the function after each hidden layer.
      output_activation: name of the function on the output; "tanh" gives [-1, 1].
      norm: `batch` normalises each hidden layer; or `none`.
      dtype: type of the computation.
    """

    example_shape: Sequence[Count]
    hidden: Sequence[Count] = (256, 256)
    activation: str = "relu"
    output_activation: str = "tanh"
    norm: str = "none"
    dtype: Any = jnp.float32

    @property
    def output_range(self) -> tuple[float, float] | None:
        """Of the examples, where the output activation has one."""
        ranges = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
        return ranges.get(self.output_activation)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps latents `x: [B, Z]` to [B, *example_shape], float32."""
        y = _to_shape(self, x, train, self.norm)
        return activation(self.output_activation)(y)


@models.register
class MlpDecoder(nn.Module):
    """Perceptron from a code to Bernoulli logits or Gaussian means of an example.

    Attributes:
      example_shape: shape of one example, (H, W, C) or (D,).
      hidden: widths of the hidden layers.
      activation: name of the function after each hidden layer.
      dtype: type of the computation.
    """

    example_shape: Sequence[Count]
    hidden: Sequence[Count] = (256, 256)
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, Z]` to [B, *example_shape], real, float32."""
        return _to_shape(self, x, train)


@models.register
class MlpEncoder(nn.Module):
    """Perceptron from an example to a Gaussian posterior.

    Attributes:
      latent_dim: width Z of the code.
      hidden: widths of the hidden layers.
      activation: name of the function after each hidden layer.
      covariance: `diagonal`, or `full`.
      dtype: type of the computation.
    """

    latent_dim: Count
    hidden: Sequence[Count] = (256, 256)
    activation: str = "relu"
    covariance: str = "diagonal"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        outputs = gaussian_outputs(self.latent_dim, self.covariance)
        self.mlp = Mlp(self.hidden, outputs, self.activation, self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last hidden layer of `x: [B, ...]`: [B, hidden[-1]], float32."""
        return self.mlp.features(x, train=train).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, ...]:
        """Maps `x: [B, ...]` to mean and log-variance, each [B, Z], float32, and with a full
        covariance its factor, [B, Z, Z]."""
        return as_gaussian(self.mlp(x, train=train), self.latent_dim)


@models.register
class MlpDiscriminator(nn.Module):
    """Perceptron that scores examples; also a critic.

    Attributes:
      hidden: widths of the hidden layers.
      activation: name of the function after each hidden layer.
      dtype: type of the computation.
    """

    hidden: Sequence[Count] = (256, 256)
    activation: str = "leaky_relu"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.mlp = Mlp(self.hidden, 1, self.activation, self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last hidden layer of `x: [B, ...]`: [B, hidden[-1]], float32."""
        return self.mlp.features(x, train=train).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B], float32, high for real ones."""
        return self.mlp(x, train=train)[:, 0]


@models.register
class MlpClassifier(nn.Module):
    """Perceptron that classifies examples.

    Attributes:
      num_classes: number of classes.
      hidden: widths of the hidden layers.
      activation: name of the function after each hidden layer.
      dtype: type of the computation.
    """

    num_classes: Count
    hidden: Sequence[Count] = (256, 256)
    activation: str = "relu"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.mlp = Mlp(self.hidden, self.num_classes, self.activation, self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last hidden layer of `x: [B, ...]`: [B, hidden[-1]], float32."""
        return self.mlp.features(x, train=train).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B, num_classes], float32."""
        return self.mlp(x, train=train)


def _to_shape(
    layer: MlpGenerator | MlpDecoder, x: Array, train: bool, norm: str = "none"
) -> Array:
    outputs = math.prod(layer.example_shape)
    sizes = layer.hidden, outputs, layer.activation, layer.dtype, norm
    network = Mlp(*sizes, name="mlp")
    return network(x, train=train).reshape(x.shape[0], *layer.example_shape)
