"""Gated PixelCNN: masked convolutions in two stacks, what lies above a pixel and what lies left of it."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.autoregressive import Autoregressive
from genlab.nn.convolution import Conv
from genlab.nn.levels import drawn
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class PixelCnn(Autoregressive):
    """Two stacks of gated residual convolutions: a vertical one of the rows above, a horizontal one of the row.

    Together they see all pixels before one within the reach of kernels and dilations, with no blind spot. Kernels end at the pixel itself, in the place of being masked.
    The channels of a pixel stand beside each other as pixels of their own. Samples take a pass of the
    vertical stack for each row, and one of the horizontal stack on that row for each pixel.

    Attributes:
      example_shape: (H, W, C); and what `Autoregressive` has.
      width: channels of each stack.
      kernel: of all convolutions, odd.
      dilations: of the layers, one each.

    Papers: van den Oord et al. 2016, arXiv:1601.06759 and arXiv:1606.05328
    """

    width: Count = 64
    kernel: Count = 3
    dilations: Sequence[Count] = (1, 2, 1, 4, 1, 2, 1)

    def setup(self) -> None:
        if len(self.example_shape) != 3:
            raise InputError(
                f"'pixel_cnn' is of images [H, W, C], not of examples {tuple(self.example_shape)}; take"
                " 'made'"
            )
        if self.kernel % 2 == 0:
            raise InputError(
                f"'pixel_cnn' of kernel={self.kernel} has no middle; take an odd one"
            )
        height, width, channels = self.example_shape
        grid = (height, width * channels, self.width)
        self.places = self.param("places", nn.initializers.zeros, grid)
        knobs = dict(width=self.width, dtype=self.dtype)
        self.first_above = _down(self.width, self.kernel, 1, self.dtype)
        self.first_along = _right(self.width, self.kernel, 1, self.dtype)
        self.layers = [
            GatedLayer(kernel=self.kernel, dilation=dilation, **knobs)
            for dilation in self.dilations
        ]
        self.hidden = Conv(self.width, 1, dtype=self.dtype)
        self.out = Conv(self.levels, 1)

    def logits(self, seen: Array, condition: Array | None = None) -> Array:
        """Of what is seen of images, `[B, H, W, C]` or `[B, H, W, C, levels]`, and a `condition: [B, K]` or
        none: [B, H, W, C, levels], float32."""
        lines = self._lines(seen)
        logits = self.along(lines, self.above(lines, condition))
        return logits.reshape(-1, *self.example_shape, self.levels)

    def above(self, lines: Array, condition: Array | None = None) -> list[Array]:
        """What every layer tells the horizontal stack of the rows above, [B, H, W, 2 width] each, of
        `lines: [B, H, W, K]`."""
        v = self.first_above(_shifted(lines, 1)) + self.places[None].astype(self.dtype)
        told = []
        for layer in self.layers:
            v, link = layer.above(v, condition)
            told.append(link)
        return told

    def along(self, lines: Array, told: list[Array]) -> Array:
        """Logits, [B, H, W, levels], of whole rows `lines: [B, H, W, K]`, any number of them, and what was
        told of the rows above them."""
        h = self.first_along(_shifted(lines, 2))
        for layer, link in zip(self.layers, told, strict=True):
            h = layer.along(h, link)
        h = nn.relu(self.hidden(nn.relu(h)))
        return self.out(h)

    def fill(
        self, level: Array, known: Array, noise: Array, condition: Array | None = None
    ) -> Array:
        """`level: [B, H, W, C]` with what is not `known: [H, W, C]` drawn by `noise: [B, H, W, C]` in [0, 1)."""
        model, variables = self.unbind()
        grid = (level.shape[1], level.shape[2] * level.shape[3])
        keep, noise = known.reshape(grid), noise.reshape(-1, *grid)

        def draw_row(row: Array, level: Array) -> Array:
            lines = model._lines(model.seen(level[..., None]))
            told = model.apply(variables, lines, condition, method="above")
            told = [jax.lax.dynamic_slice_in_dim(part, row, 1, 1) for part in told]

            def draw_pixel(column: Array, line: Array) -> Array:
                seen = model._lines(model.seen(line[:, None, :, None]))
                logits = model.apply(variables, seen, told, method="along")
                new = drawn(logits[:, 0, column], noise[:, row, column])
                new = jnp.where(keep[row, column], line[:, column], new)
                return line.at[:, column].set(new)

            line = jax.lax.fori_loop(0, grid[1], draw_pixel, level[:, row])
            return level.at[:, row].set(line)

        flat = level.reshape(-1, *grid)
        return jax.lax.fori_loop(0, grid[0], draw_row, flat).reshape(level.shape)

    def _lines(self, seen: Array) -> Array:
        """Channels beside each other as pixels, [B, H, W C, K] with K = 1 or levels."""
        batch, height, width, channels = seen.shape[:4]
        return seen.reshape(batch, height, width * channels, -1)


class GatedLayer(nn.Module):
    """One layer of both stacks, tanh(a) sigmoid(b) of two halves of the channels, added to what comes in.

    Attributes:
      width: channels of each stack.
      kernel: of the convolutions.
      dilation: steps between its taps.
      dtype: type of the computation.
    """

    width: Count
    kernel: Count
    dilation: Count
    dtype: Any = jnp.float32

    def setup(self) -> None:
        shape = (2 * self.width, self.kernel, self.dilation, self.dtype)
        self.down, self.right = _down(*shape), _right(*shape)
        point = lambda width: Conv(width, 1, dtype=self.dtype)
        self.mix_above, self.mix_along = point(self.width), point(self.width)
        self.link = point(2 * self.width)
        told = lambda: nn.Dense(2 * self.width, use_bias=False, dtype=self.dtype)
        self.condition_above, self.condition_along = told(), told()

    def above(self, v: Array, condition: Array | None) -> tuple[Array, Array]:
        """The vertical stack after this layer, [B, H, W, width], and what it tells the horizontal one."""
        field = self.down(v)
        link = self.link(field)
        if condition is not None:
            field = field + self.condition_above(condition)[:, None, None]
            link = link + self.condition_along(condition)[:, None, None]
        return v + self.mix_above(_gated(field)), link

    def along(self, h: Array, link: Array) -> Array:
        """The horizontal stack after this layer: [B, H, W, width]."""
        return h + self.mix_along(_gated(self.right(h) + link))


def _gated(field: Array) -> Array:
    signal, gate = jnp.split(field, 2, axis=-1)
    return jnp.tanh(signal) * nn.sigmoid(gate)


def _down(width: int, kernel: int, dilation: int, dtype: Any) -> Conv:
    """A convolution that sees the rows up to a pixel's own, on both sides of it."""
    half = dilation * (kernel // 2)
    pads = ((half, 0), (half, half))
    size = (kernel // 2 + 1, kernel)
    return Conv(width, size, padding=pads, kernel_dilation=dilation, dtype=dtype)


def _right(width: int, kernel: int, dilation: int, dtype: Any) -> Conv:
    """A convolution that sees the pixels of a row up to each."""
    pads = ((0, 0), (dilation * (kernel // 2), 0))
    size = (1, kernel // 2 + 1)
    return Conv(width, size, padding=pads, kernel_dilation=dilation, dtype=dtype)


def _shifted(x: Array, axis: int) -> Array:
    """`x: [B, H, W, K]` one place further along an axis, zeros first."""
    pads = [(0, 0)] * 4
    pads[axis] = (1, 0)
    return jax.lax.slice_in_dim(jnp.pad(x, pads), 0, x.shape[axis], axis=axis)
