"""Normalizing flows of coupling layers: RealNVP, splines, Glow."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.models.flow import Flow
from genlab.nn.convolution import Conv
from genlab.nn.spline import spline
from genlab.numbers import Count, Positive
from genlab.registry import models

Array = jax.Array

TRANSFORMS = ("affine", "spline")


@models.register
class CouplingFlow(Flow):
    """Coupling layers on flattened examples, for points and small images: RealNVP, or with splines.

    A layer leaves every other number as it is, which tell how the rest is moved: scaled by e^s and shifted, or
    bent by a rational-quadratic spline. The next one has them the other way round. At first every layer is
    the identity.

    Attributes:
      example_shape: as of `Flow`, and `dtype`, `levels`, `low` and `high`.
      layers: coupling layers.
      hidden: widths of the perceptron of a layer.
      transform: `affine` or `spline`.
      bins: of a spline.
      bound: splines move numbers in [-bound, bound].

    Papers: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803; Durkan et al. 2019, arXiv:1906.04032
    """

    layers: Count = 8
    hidden: Sequence[Count] = (64, 64)
    transform: str = "affine"
    bins: Count = 8
    bound: Positive = 4.0

    def setup(self) -> None:
        if self.transform not in TRANSFORMS:
            raise InputError(
                f"transform {self.transform!r} is unknown{suggest(self.transform, TRANSFORMS)}"
            )
        size = math.prod(self.example_shape)
        if size < 2:
            raise InputError(
                f"a coupling layer needs examples of two numbers or more, not of {size}"
            )
        knobs = 2 if self.transform == "affine" else 3 * self.bins - 1
        moved = [size // 2 + (i % 2) * (size % 2) for i in range(self.layers)]
        self.tellers = [
            Teller(self.hidden, count * knobs, name=f"layer_{i}")
            for i, count in enumerate(moved)
        ]

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Noise of `x: [B, ...]`, the same shape, and log |det dz/dx|, [B]."""
        z, total = x.reshape(x.shape[0], -1), jnp.zeros(x.shape[0])
        for i in range(self.layers):
            z, log = self._layer(z, i, back=False)
            total = total + log
        return z.reshape(x.shape), total

    def inverse(self, z: Array) -> Array:
        """The examples of `z: [B, ...]`, the same shape."""
        x = z.reshape(z.shape[0], -1)
        for i in reversed(range(self.layers)):
            x, _ = self._layer(x, i, back=True)
        return x.reshape(z.shape)

    def _layer(self, x: Array, index: int, *, back: bool) -> tuple[Array, Array]:
        halves = [x[:, 0::2], x[:, 1::2]]
        kept, moved = halves[index % 2], halves[1 - index % 2]
        told = self.tellers[index](kept).reshape(*moved.shape, -1)
        if self.transform == "affine":
            moved, log = affine(moved, told[..., 0], told[..., 1], back=back)
        else:
            parts = jnp.split(told, (self.bins, 2 * self.bins), axis=-1)
            moved, log = spline(moved, *parts, bound=self.bound, back=back)
        halves[1 - index % 2] = moved
        joined = jnp.zeros_like(x).at[:, 0::2].set(halves[0]).at[:, 1::2].set(halves[1])
        return joined, jnp.sum(log, axis=1)


class Teller(nn.Module):
    """A perceptron whose last layer starts at 0.

    Attributes:
      hidden: widths of the hidden layers.
      outputs: how many numbers it tells.
    """

    hidden: Sequence[Count]
    outputs: Count

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, D]` to [B, outputs]."""
        for width in self.hidden:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.outputs, kernel_init=nn.initializers.zeros)(x)


@models.register
class Glow(Flow):
    """Steps of scales, invertible 1x1 convolutions and coupling layers at several resolutions.

    At each resolution 2x2 pixels become channels; after its steps half of the channels are done with, but at
    the last. The scales of a step start at 1, not at those of the first batch, and its convolution is L U with
    a triangle each that starts at the identity, behind a fixed reversal of the channels.

    Attributes:
      example_shape: (H, W, C), sides that are multiples of 2^scales; and what `Flow` has.
      scales: resolutions.
      steps: of each.
      width: channels inside the coupling networks.

    Papers: Kingma & Dhariwal 2018, arXiv:1807.03039; Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803
    """

    scales: Count = 2
    steps: Count = 4
    width: Count = 64

    def setup(self) -> None:
        stride = 2**self.scales
        shape = tuple(self.example_shape)
        if len(shape) != 3 or shape[0] % stride or shape[1] % stride:
            raise InputError(
                f"'glow' of {self.scales} resolutions is of images whose sides are multiples of {stride}, not"
                f" of examples {shape}; set data.image_size, or fewer scales"
            )
        channels, flows = shape[2], []
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

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Noise of `x: [B, H, W, C]`, the same shape, and log |det dz/dx|, [B]."""
        total, done, z = jnp.zeros(x.shape[0]), [], x
        for level, steps in enumerate(self.flows):
            z = _squeezed(z)
            for step in steps:
                z, log = step(z)
                total = total + log
            if level < self.scales - 1:
                z, rest = jnp.split(z, 2, axis=-1)
                done.append(rest)
        flat = [part.reshape(x.shape[0], -1) for part in (*done, z)]
        return jnp.concatenate(flat, axis=1).reshape(x.shape), total

    def inverse(self, z: Array) -> Array:
        """The images of `z: [B, H, W, C]`, the same shape."""
        parts = self._parts(z)
        x = parts.pop()
        for level in reversed(range(self.scales)):
            if level < self.scales - 1:
                x = jnp.concatenate([x, parts.pop()], axis=-1)
            for step in reversed(self.flows[level]):
                x = step.inverse(x)
            x = _spread(x)
        return x

    def _parts(self, z: Array) -> list[Array]:
        """The noise that each resolution was done with, in their shapes."""
        (height, width, channels), parts = self.example_shape, []
        flat, first = z.reshape(z.shape[0], -1), 0
        for level in range(self.scales):
            height, width, channels = height // 2, width // 2, channels * 4
            if level < self.scales - 1:
                channels //= 2
            size = height * width * channels
            part = flat[:, first : first + size]
            parts.append(part.reshape(-1, height, width, channels))
            first += size
        return parts


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
        self.lower = self.param("lower", zeros, square)
        self.upper = self.param("upper", zeros, square)
        self.log_diagonal = self.param("log_diagonal", zeros, (self.channels,))
        conv = lambda features, size, **knobs: Conv(
            features, size, dtype=self.dtype, **knobs
        )
        self.first, self.second = conv(self.width, 3), conv(self.width, 1)
        self.last = conv(self.channels, 3, kernel_init=zeros)

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """`x: [B, H, W, C]` to the same shape, and the log-determinant, [B]."""
        pixels = x.shape[1] * x.shape[2]
        x = (x + self.shift[None, None, None]) * jnp.exp(self.log_scale)[
            None, None, None
        ]
        x = _mixed(x[..., ::-1], self._mixing())
        kept, moved = jnp.split(x, 2, axis=-1)
        moved, log = affine(moved, *self._told(kept), back=False)
        same = pixels * jnp.sum(self.log_scale + self.log_diagonal)
        return jnp.concatenate([kept, moved], axis=-1), same + jnp.sum(
            log, axis=(1, 2, 3)
        )

    def inverse(self, x: Array) -> Array:
        """What `__call__` made `x` of."""
        kept, moved = jnp.split(x, 2, axis=-1)
        moved, _ = affine(moved, *self._told(kept), back=True)
        x = jnp.concatenate([kept, moved], axis=-1)
        x = _mixed(x, jnp.linalg.inv(self._mixing()))[..., ::-1]
        return (
            x * jnp.exp(-self.log_scale)[None, None, None]
            - self.shift[None, None, None]
        )

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


def affine(x: Array, scale: Array, shift: Array, *, back: bool) -> tuple[Array, Array]:
    """x e^s + t with s = 2 tanh(scale / 2), which stays finite, or its inverse; and s."""
    log = 2 * jnp.tanh(scale / 2)
    if back:
        return (x - shift) * jnp.exp(-log), -log
    return x * jnp.exp(log) + shift, log


def _squeezed(x: Array) -> Array:
    """2x2 pixels as channels: [B, H/2, W/2, 4 C] of `x: [B, H, W, C]`."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, height // 2, width // 2, 4 * channels
    )


def _spread(x: Array) -> Array:
    """The inverse of `_squeezed`."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height, width, 2, 2, channels // 4)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, 2 * height, 2 * width, channels // 4
    )
