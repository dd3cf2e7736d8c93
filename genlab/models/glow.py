"""Glow: scales, invertible 1x1 convolutions and coupling layers at several resolutions."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.models.multiscale import Multiscale, Squeeze
from genlab.nn.convolution import Conv
from genlab.nn.coupling import affine
from genlab.nn.norm import batch_statistics
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Glow(Multiscale):
    """Steps of scales, invertible 1x1 convolutions and coupling layers at several resolutions.

    At each resolution 2x2 pixels become channels. The channels of a step have mean 0 and variance 1 in the first
    batch that it is trained with, and its convolution is L U with a triangle each that starts at the identity, behind
    a fixed reversal of the channels.

    Attributes:
      example_shape: (H, W, C), sides that are multiples of 2^scales; and what `Flow` has.
      scales: resolutions.
      steps: of each.
      width: channels inside the coupling networks.

    Papers: Kingma & Dhariwal 2018, arXiv:1807.03039; Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803
    """

    steps: Count = 4
    width: Count = 64

    def setup(self) -> None:
        self.check_sides(self.scales, "glow")
        channels, flows = self.example_shape[2], []
        for level in range(self.scales):
            channels *= 4
            flows.append(
                [
                    GlowStep(channels, self.width, self.dtype, name=f"{level}_{step}")
                    for step in range(self.steps)
                ]
            )
            channels //= 2
        self.flows = flows

    def resolutions(self) -> list[list]:
        return [[Squeeze(), *steps] for steps in self.flows]


class GlowStep(nn.Module):
    """A scale and shift of each channel, a mixing of the channels, and an affine coupling layer.

    Attributes:
      channels: even.
      width: of the coupling network.
      dtype: type of its computation.
    """

    channels: Count
    width: Count
    dtype: Any = jnp.float32

    def setup(self) -> None:
        zeros, square = nn.initializers.zeros, (self.channels, self.channels)
        self.log_scale = self.param("log_scale", zeros, (self.channels,))
        self.shift = self.param("shift", zeros, (self.channels,))
        first = lambda name, shape: self.variable("batch_stats", name, jnp.zeros, shape)
        self.mean = first("mean", (self.channels,))
        self.log_deviation = first("log_deviation", (self.channels,))
        self.begun = first("begun", ())
        self.lower = self.param("lower", zeros, square)
        self.upper = self.param("upper", zeros, square)
        self.log_diagonal = self.param("log_diagonal", zeros, (self.channels,))
        conv = lambda features, size, **knobs: Conv(
            features, size, dtype=self.dtype, **knobs
        )
        self.first, self.second = conv(self.width, 3), conv(self.width, 1)
        self.last = conv(self.channels, 3, kernel_init=zeros)

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """`x: [B, H, W, C]` to the same shape, and the log-determinant, [B]."""
        pixels = x.shape[1] * x.shape[2]
        if train and not self.is_initializing():
            self._begin(x)
        shift, log_scale = self._scales()
        x = (x + shift) * jnp.exp(log_scale)
        x = _mixed(x[..., ::-1], self._mixing())
        kept, moved = jnp.split(x, 2, axis=-1)
        moved, log = affine(moved, *self._told(kept), back=False)
        same = pixels * (jnp.sum(log_scale) + jnp.sum(self.log_diagonal))
        total = same + jnp.sum(log, axis=(1, 2, 3))
        return jnp.concatenate([kept, moved], axis=-1), total

    def inverse(self, x: Array) -> Array:
        """What `__call__` made `x` of."""
        kept, moved = jnp.split(x, 2, axis=-1)
        moved, _ = affine(moved, *self._told(kept), back=True)
        x = jnp.concatenate([kept, moved], axis=-1)
        x = _mixed(x, jnp.linalg.inv(self._mixing()))[..., ::-1]
        shift, log_scale = self._scales()
        return x * jnp.exp(-log_scale) - shift

    def _begin(self, x: Array) -> None:
        """Takes mean and deviation of the channels from the first batch, and from no other."""
        mean, variance = jax.lax.stop_gradient(batch_statistics(x))
        found = mean, 0.5 * jnp.log(variance + 1e-6)
        begun = self.begun.value > 0
        for kept, first in zip((self.mean, self.log_deviation), found, strict=True):
            kept.value = jnp.where(begun, kept.value, first)
        self.begun.value = jnp.ones(())

    def _scales(self) -> tuple[Array, Array]:
        """What is added to each channel, and the logarithm of what it is then multiplied by."""
        deviation = self.log_deviation.value
        shift = self.shift * jnp.exp(deviation) - self.mean.value
        scale = self.log_scale - deviation
        return shift[None, None, None], scale[None, None, None]

    def _mixing(self) -> Array:
        """L (U + e^d), L and U with ones and zeros on their diagonals."""
        lower = jnp.tril(self.lower, -1) + jnp.eye(self.channels)
        upper = jnp.triu(self.upper, 1) + jnp.diag(jnp.exp(self.log_diagonal))
        return lower @ upper

    def _told(self, kept: Array) -> tuple[Array, Array]:
        hidden = nn.relu(self.second(nn.relu(self.first(kept))))
        told = self.last(hidden).astype(jnp.float32)
        return tuple(jnp.split(told, 2, axis=-1))


def _mixed(x: Array, mixing: Array) -> Array:
    """x W as exactly as float32 allows, since the determinant is that of W and of none rounded for speed."""
    return jnp.matmul(x, mixing, precision="highest")
