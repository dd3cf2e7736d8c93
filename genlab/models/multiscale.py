"""Flows of images at several resolutions: half of the channels are done with at each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.flow import Flow
from genlab.nn.coupling import spread, squeezed
from genlab.numbers import Count

Array = jax.Array


class Step(Protocol):
    """An invertible map of images."""

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """`x: [B, H, W, C]` to images, and the log-determinant, [B]."""

    def inverse(self, x: Array) -> Array:
        """What `__call__` made `x` of."""


@dataclass(frozen=True)
class Squeeze:
    """2x2 pixels become channels."""

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        del train
        return squeezed(x), jnp.zeros(x.shape[0])

    def inverse(self, x: Array) -> Array:
        return spread(x)


class Multiscale(Flow):
    """Abstract: steps at several resolutions; after each but the last half of the channels are done with.

    A flow gives `resolutions()`, the steps of each, in which a `Squeeze` stands where 2x2 pixels become channels.

    Attributes:
      example_shape: (H, W, C), sides that are multiples of 2^(number of squeezes); and what `Flow` has.
      scales: resolutions.

    Paper: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803
    """

    scales: Count = 2

    def resolutions(self) -> Sequence[Sequence[Step]]:
        """The steps of each resolution, from the finest on."""
        raise NotImplementedError

    def check_sides(self, squeezes: int, name: str) -> None:
        """Raises InputError for examples that are no images, or whose sides cannot be halved so often."""
        stride, shape = 2**squeezes, tuple(self.example_shape)
        if len(shape) != 3 or shape[0] % stride or shape[1] % stride:
            raise InputError(
                f"{name!r} of {self.scales} resolutions is of images whose sides are multiples of {stride}, not"
                f" of examples {shape}; set data.image_size, or fewer scales"
            )

    def forward(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Noise of `x: [B, H, W, C]`, the same shape, and log |det dz/dx|, [B]."""
        total, done, z = jnp.zeros(x.shape[0]), [], x
        for level, steps in enumerate(self.resolutions()):
            for step in steps:
                z, log = step(z, train=train)
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
        for level, steps in reversed([*enumerate(self.resolutions())]):
            if level < self.scales - 1:
                x = jnp.concatenate([x, parts.pop()], axis=-1)
            for step in reversed(steps):
                x = step.inverse(x)
        return x

    def _parts(self, z: Array) -> list[Array]:
        """The noise that each resolution was done with, in their shapes."""
        (height, width, channels), parts = self.example_shape, []
        flat, first = z.reshape(z.shape[0], -1), 0
        for level, steps in enumerate(self.resolutions()):
            for step in steps:
                if isinstance(step, Squeeze):
                    height, width, channels = height // 2, width // 2, channels * 4
            if level < self.scales - 1:
                channels //= 2
            size = height * width * channels
            part = flat[:, first : first + size]
            parts.append(part.reshape(-1, height, width, channels))
            first += size
        return parts
