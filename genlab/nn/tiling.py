"""A convolution cut into tiles, and image, kernel and result transformed for minimal filtering.

A convolution of stride s is one of stride 1 on blocks of s x s pixels, whose channels are those of all
pixels in it, with ceil(kernel / s) taps. A tile is F(m, r) along both axes (`genlab.nn.filters`): its
blocks, its taps and its outputs are grids of vectors of channels.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax import lax

from genlab.nn.filters import FILTERS, Filter, Grid, apply, flat, grid_of, transposed
from genlab.nn.products import Geometry, padded

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Tiling:
    """A convolution cut into tiles of `FILTERS`; pairs are (rows, columns)."""

    geometry: Geometry

    @property
    def filters(self) -> tuple[Filter, Filter]:
        rows, columns = map(touched, self.geometry.kernel, self.geometry.strides)
        return FILTERS[rows], FILTERS[columns]

    @property
    def tiles(self) -> tuple[int, int]:
        """How many make up the result."""
        rows, columns = (
            -(-size // filter.outputs)
            for size, filter in zip(self.geometry.output, self.filters)
        )
        return rows, columns

    @property
    def blocks(self) -> tuple[int, int]:
        """How many the tiles see of the image."""
        rows, columns = (
            count * filter.outputs + filter.taps - 1
            for count, filter in zip(self.tiles, self.filters)
        )
        return rows, columns

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(low, high) zeros around the image that fill the blocks up."""
        rows, columns = (
            (low, blocks * stride - size - low)
            for (low, _), blocks, stride, size in zip(
                *(self.geometry.padding, self.blocks),
                *(self.geometry.strides, self.geometry.image),
            )
        )
        return rows, columns

    @property
    def gain(self) -> float:
        """Products of the convolution over those of its tiles."""
        direct = math.prod((*self.geometry.output, *self.geometry.kernel))
        each = math.prod(filter.products for filter in self.filters)
        return direct / (each * math.prod((*self.tiles, *self.geometry.strides)))


def touched(kernel: int, stride: int) -> int:
    """Blocks of one stride that a kernel touches along an axis."""
    return -(-kernel // stride)


def of_data(image: Array, tiling: Tiling) -> list[Array]:
    """`data` applied to the tiles of `[B, H, W, C]`: [B tiles, s s C] for each product."""
    batch, *_, channels = image.shape
    (rows, columns), (row_stride, column_stride) = (
        tiling.blocks,
        tiling.geometry.strides,
    )
    blocks = padded(image, tiling.pads).reshape(
        batch, rows, row_stride, columns, column_stride * channels
    )
    (down, across), (tile_rows, tile_columns) = tiling.filters, tiling.tiles

    def seen(i: int, j: int, row: int) -> Array:
        """Row `row` of block (i, j) of every tile."""
        last = i + down.outputs * (tile_rows - 1) + 1
        end = j + across.outputs * (tile_columns - 1) + 1
        return blocks[:, i : last : down.outputs, row, j : end : across.outputs]

    by_row = [
        apply(
            (down.data, across.data),
            [
                [seen(i, j, row) for j in range(across.products)]
                for i in range(down.products)
            ],
        )
        for row in range(row_stride)
    ]
    width = row_stride * column_stride * channels
    return [
        jnp.concatenate(rows, axis=-1).reshape(-1, width)
        for rows in zip(*map(flat, by_row))
    ]


def to_image(made: list[Array], tiling: Tiling) -> Array:
    """The adjoint of `of_data`."""
    (down, across), (tile_rows, tile_columns) = tiling.filters, tiling.tiles
    row_stride, column_stride = tiling.geometry.strides
    width = made[0].shape[-1] // row_stride
    channels = width // column_stride
    zero = jnp.zeros((), made[0].dtype)

    def added(tiles: Grid, i: int, j: int) -> Array:
        """Blocks (i, j) of all tiles with those of the tiles before that lie on them."""
        total = 0.0
        for a, row in enumerate(tiles):
            for b, each in enumerate(row):
                if (a % down.outputs, b % across.outputs) == (i, j):
                    pads = ((a // down.outputs, 1), (b // across.outputs, 1))
                    pads = [(by, most - by, 0) for by, most in pads]
                    total += lax.pad(each, zero, ((0, 0, 0), *pads, (0, 0, 0)))
        return total

    by_row = []
    for row in range(row_stride):
        part = [each[:, row * width : (row + 1) * width] for each in made]
        tiles = apply(
            (transposed(down.data), transposed(across.data)),
            grid_of(part, (-1, tile_rows, tile_columns, width), across.products),
        )
        blocks = _interleaved(
            [
                [added(tiles, i, j) for j in range(across.outputs)]
                for i in range(down.outputs)
            ]
        )
        by_row.append(blocks.reshape(*blocks.shape[:2], -1, channels))
    full = jnp.stack(by_row, axis=2)
    full = full.reshape(len(full), -1, *full.shape[3:])
    (top, _), (left, _) = tiling.pads
    height, width = tiling.geometry.image
    whole = ((-top, top + height), (-left, left + width))
    return padded(
        full, [(low, end - n) for (low, end), n in zip(whole, full.shape[1:])]
    )


def of_kernel(kernel: Array, tiling: Tiling) -> list[Array]:
    """`kernel` applied to `[h, w, C, F]`: [s s C, F] for each product."""
    (down, across), (row_stride, column_stride) = (
        tiling.filters,
        tiling.geometry.strides,
    )
    height, width, channels, features = kernel.shape
    fill = (down.taps * row_stride - height, across.taps * column_stride - width)
    filled = jnp.pad(kernel, ((0, fill[0]), (0, fill[1]), (0, 0), (0, 0)))
    taps = filled.reshape(
        down.taps, row_stride, across.taps, column_stride * channels, features
    )
    grid = [
        [taps[i, :, j].reshape(-1, features) for j in range(across.taps)]
        for i in range(down.taps)
    ]
    return flat(apply((down.kernel, across.kernel), grid))


def to_kernel(
    made: list[Array], shape: tuple[int, int, int, int], tiling: Tiling
) -> Array:
    """The adjoint of `of_kernel`."""
    (down, across), (row_stride, column_stride) = (
        tiling.filters,
        tiling.geometry.strides,
    )
    height, width, channels, features = shape
    grid = apply(
        (transposed(down.kernel), transposed(across.kernel)),
        grid_of(
            made, (row_stride, column_stride * channels, features), across.products
        ),
    )
    taps = jnp.stack([jnp.stack(row, axis=1) for row in grid])
    full = taps.reshape(-1, across.taps * column_stride, channels, features)
    return full[:height, :width]


def of_result(result: Array, tiling: Tiling) -> list[Array]:
    """`output` transposed, applied to `[B, H', W', F]`: [B tiles, F] for each product."""
    (down, across), (tile_rows, tile_columns) = tiling.filters, tiling.tiles
    batch, *size, features = result.shape
    whole = (tile_rows * down.outputs, tile_columns * across.outputs)
    tiles = padded(result, [(0, n - m) for n, m in zip(whole, size)]).reshape(
        batch, tile_rows, down.outputs, tile_columns, across.outputs, features
    )
    grid = [
        [tiles[:, :, i, :, j].reshape(-1, features) for j in range(across.outputs)]
        for i in range(down.outputs)
    ]
    return flat(apply((transposed(down.output), transposed(across.output)), grid))


def to_result(made: list[Array], tiling: Tiling) -> Array:
    """The adjoint of `of_result`."""
    down, across = tiling.filters
    shape = (-1, *tiling.tiles, made[0].shape[-1])
    grid = apply((down.output, across.output), grid_of(made, shape, across.products))
    height, width = tiling.geometry.output
    return _interleaved(grid)[:, :height, :width]


def _interleaved(grid: Grid) -> Array:
    """Pixels (i, j) of every tile, each `[B, rows, columns, C]`, as one map."""
    tiles = jnp.stack([jnp.stack(row, axis=3) for row in grid], axis=2)
    batch, rows, down, columns, across, channels = tiles.shape
    return tiles.reshape(batch, rows * down, columns * across, channels)
