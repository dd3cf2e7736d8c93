"""RealNVP on images: coupling layers by checkerboards and by channels, at several resolutions."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.models.multiscale import Multiscale, Squeeze
from genlab.nn.convolution import Conv
from genlab.nn.coupling import affine
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class RealNvp(Multiscale):
    """Three coupling layers by checkerboards, 2x2 pixels as channels, three by channels, at each resolution; at the
    last four by checkerboards.

    What a layer keeps tells by a residual network how the rest is scaled and shifted; at first every layer is the
    identity. The paper's batch normalisation is not there.

    Attributes:
      example_shape: (H, W, C), sides that are multiples of 2^(scales - 1); and what `Flow` has.
      scales: resolutions.
      width: channels of the residual networks, twice as many at each further resolution.
      blocks: residual blocks of each.

    Paper: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803
    """

    width: Count = 32
    blocks: Count = 2

    def setup(self) -> None:
        self.check_sides(self.scales - 1, "real_nvp")
        channels, flows, last = self.example_shape[2], [], self.scales - 1
        for level in range(last):
            by_pixels = self._layers(3, Checkerboard, channels, level)
            by_channels = self._layers(3, ByChannels, 4 * channels, level)
            flows.append((by_pixels, by_channels))
            channels *= 2  # four times as many, of which half are done with
        self.flows = [*flows, (self._layers(4, Checkerboard, channels, last), [])]

    def _layers(self, count: int, kind: type, channels: int, level: int) -> list:
        """Coupling layers of one kind, which keep one half and the other in turns."""
        knobs = dict(width=self.width * 2**level, blocks=self.blocks, dtype=self.dtype)
        name = f"{level}_{kind.KIND}"
        return [
            kind(channels, flipped=bool(i % 2), name=f"{name}_{i}", **knobs)
            for i in range(count)
        ]

    def resolutions(self) -> list[list]:
        return [
            [*by_pixels, *([Squeeze(), *by_channels] if by_channels else [])]
            for by_pixels, by_channels in self.flows
        ]


class Checkerboard(nn.Module):
    """A coupling layer that keeps every other pixel, as on a chess board.

    Attributes:
      channels: of the images.
      width: channels of the residual network.
      blocks: of it.
      flipped: whether it keeps the other pixels.
      dtype: type of the network's computation.
    """

    KIND = "checkerboard"

    channels: Count
    width: Count
    blocks: Count
    flipped: bool
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.teller = Residual(self.width, self.blocks, 2 * self.channels, self.dtype)

    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """`x: [B, H, W, C]` to the same shape, and the log-determinant, [B]."""
        del train
        return self._moved(x, back=False)

    def inverse(self, x: Array) -> Array:
        """What `__call__` made `x` of."""
        return self._moved(x, back=True)[0]

    def _moved(self, x: Array, *, back: bool) -> tuple[Array, Array]:
        rows, columns = np.indices(x.shape[1:3])
        kept = (rows + columns) % 2 == self.flipped
        kept = jnp.asarray(kept, x.dtype)[None, :, :, None]
        told = self.teller(x * kept)
        moved, log = affine(x, *jnp.split(told, 2, axis=-1), back=back)
        total = jnp.sum(log * (1 - kept), axis=(1, 2, 3))
        return x * kept + moved * (1 - kept), total


class ByChannels(Checkerboard):
    """A coupling layer that keeps half of the channels.

    Attributes:
      channels: of the images, even.
      width: channels of the residual network.
      blocks: of it.
      flipped: whether it keeps the second half.
      dtype: type of the network's computation.
    """

    KIND = "channels"

    def setup(self) -> None:
        self.teller = Residual(self.width, self.blocks, self.channels, self.dtype)

    def _moved(self, x: Array, *, back: bool) -> tuple[Array, Array]:
        halves = jnp.split(x, 2, axis=-1)
        kept, moved = halves[self.flipped], halves[not self.flipped]
        told = jnp.split(self.teller(kept), 2, axis=-1)
        moved, log = affine(moved, *told, back=back)
        halves = [moved, kept] if self.flipped else [kept, moved]
        return jnp.concatenate(halves, axis=-1), jnp.sum(log, axis=(1, 2, 3))


class Residual(nn.Module):
    """A residual network without norms whose last layer starts at 0.

    Attributes:
      width: channels of the blocks.
      blocks: how many.
      outputs: channels of the result.
      dtype: type of the computation.
    """

    width: Count
    blocks: Count
    outputs: Count
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, H, W, C]` to [B, H, W, outputs], float32."""
        conv = lambda features, size, **knobs: Conv(
            features, size, dtype=self.dtype, **knobs
        )
        y = conv(self.width, 3)(x)
        for _ in range(self.blocks):
            inside = conv(self.width, 3)(nn.relu(y))
            y = y + conv(self.width, 1)(nn.relu(inside))
        zeros = nn.initializers.zeros
        return conv(self.outputs, 3, kernel_init=zeros)(nn.relu(y)).astype(jnp.float32)
