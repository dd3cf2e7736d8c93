"""Coupling layers on flattened examples: RealNVP on points, and splines."""

import math
from collections.abc import Sequence
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.models.flow import Flow
from genlab.nn.coupling import affine
from genlab.nn.spline import spline
from genlab.numbers import Count, Positive, Range
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
    bins: Annotated[int, Range(2, 500)] = 8
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

    def forward(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Noise of `x: [B, ...]`, the same shape, and log |det dz/dx|, [B]."""
        del train
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
