"""A convolution and its two derivatives by minimal filtering: fewer products, more additions.

F(m, r) makes m outputs of a filter with r taps from m + r - 1 products in the place of m r. With
three matrices, of data, kernel and output,

  y = output ((kernel g) * (data d)),

`*` element by element, d the m + r - 1 numbers that the outputs see. In two dimensions each matrix is
applied along both axes; d, g and y are then vectors of channels, and each product is one of matrices,
[tiles, channels] times [channels, features]. The trilinear form <y, result> has as its derivatives
in d and g the same matrices transposed, so that all three maps here are made of them:

  convolution          y = output  ((kernel g)   * (data d))
  its adjoint          d = data^T  ((kernel g)   * (output^T y))
  kernel gradient      g = kernel^T ((data d)    * (output^T y)), summed over tiles

A convolution of stride s is one of stride 1 on blocks of s x s pixels, whose channels are those of all
pixels in it, and has ceil(kernel / s) taps there: 4 x 4 with stride 2 is F(2x2, 2x2), 9 products in
the place of 16; 3 x 3 is F(2x2, 3x3), 16 in the place of 36.

Papers: Winograd 1980, Arithmetic Complexity of Computations; Lavin and Gray 2016, arXiv:1509.09308
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from genlab.nn.products import Geometry, padded

Array = jax.Array
Matrix = tuple[tuple[float, ...], ...]
Grid = list[list[Array]]  # an array per row and column of a tile

# Bounds of where it wins, measured on two cores.
GAIN = 1.5  # products saved, after those that the last tiles waste
CHANNELS = 32  # of the image and of the result
TILES = 256  # of a batch: fewer do not pay for the kernel's transform
PIECE = 2**20  # numbers of transformed data: a longer batch goes piece by piece


@dataclasses.dataclass(frozen=True)
class Filter:
    """F(m, r) along one axis.

    Attributes:
      data: [m + r - 1, m + r - 1].
      kernel: [m + r - 1, r].
      output: [m, m + r - 1].
    """

    data: Matrix
    kernel: Matrix
    output: Matrix

    @property
    def products(self) -> int:
        return len(self.data)

    @property
    def taps(self) -> int:
        return len(self.kernel[0])

    @property
    def outputs(self) -> int:
        return len(self.output)


# F(2, r) by the number of taps r: interpolation at 0, 1 and infinity, and -1 with a third tap.
FILTERS = {
    2: Filter(
        data=((1, -1, 0), (0, 1, 0), (0, -1, 1)),
        kernel=((1, 0), (1, 1), (0, 1)),
        output=((1, 1, 0), (0, 1, 1)),
    ),
    3: Filter(
        data=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1)),
        kernel=((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        output=((1, 1, 1, 0), (0, 1, -1, 1)),
    ),
}


@dataclasses.dataclass(frozen=True)
class Tiling:
    """A convolution cut into tiles of `FILTERS`; pairs are (rows, columns)."""

    geometry: Geometry

    @property
    def filters(self) -> tuple[Filter, Filter]:
        rows, columns = map(_taps, self.geometry.kernel, self.geometry.strides)
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


def wins(geometry: Geometry, batch: int, channels: int, features: int) -> bool:
    """Whether minimal filtering is faster than the products of `genlab.nn.products` on a CPU.

    It is by as much as products are what takes time: between many channels, and with tiles enough.
    """
    taps = map(_taps, geometry.kernel, geometry.strides)
    if geometry.dilation != (1, 1) or not FILTERS.keys() >= set(taps):
        return False
    tiling = Tiling(geometry)
    return (
        tiling.gain >= GAIN
        and min(channels, features) >= CHANNELS
        and batch * math.prod(tiling.tiles) >= TILES
    )


def convolve(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The convolution: `[B, H, W, C]` and `[h, w, C, F]` to `[B, H', W', F]`."""
    tiling = Tiling(geometry)
    seen = _of_kernel(kernel, tiling)

    def piece(image: Array) -> Array:
        made = [_product(*pair, (1, 0)) for pair in zip(_of_data(image, tiling), seen)]
        return _to_result(made, tiling)

    return _piecewise(piece, image, count=_piece(image.shape[0], kernel, tiling))


def convolve_adjoint(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The derivative in the image: `[B, H', W', F]` and `[h, w, C, F]` to `[B, H, W, C]`."""
    tiling = Tiling(geometry)
    seen = _of_kernel(kernel, tiling)

    def piece(result: Array) -> Array:
        made = [
            _product(*pair, (1, 1)) for pair in zip(_of_result(result, tiling), seen)
        ]
        return _to_image(made, tiling)

    return _piecewise(piece, result, count=_piece(result.shape[0], kernel, tiling))


def convolve_kernel(image: Array, result: Array, *, geometry: Geometry) -> Array:
    """The derivative in the kernel: `[B, H, W, C]` and `[B, H', W', F]` to `[h, w, C, F]`."""
    tiling = Tiling(geometry)
    kernel = jax.ShapeDtypeStruct(
        (*geometry.kernel, image.shape[-1], result.shape[-1]), image.dtype
    )

    def piece(image: Array, result: Array) -> list[Array]:
        # Contracted in the first axes of both, since transposing a whole kernel costs more.
        pairs = zip(_of_data(image, tiling), _of_result(result, tiling))
        return [_product(*pair, (0, 0)) for pair in pairs]

    count = _piece(image.shape[0], kernel, tiling)
    return _to_kernel(_summed(piece, image, result, count=count), kernel.shape, tiling)


def _taps(kernel: int, stride: int) -> int:
    """Blocks of one stride that a kernel touches along an axis."""
    return -(-kernel // stride)


def _of_data(image: Array, tiling: Tiling) -> list[Array]:
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
        _apply(
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
        for rows in zip(*map(_flat, by_row))
    ]


def _to_image(made: list[Array], tiling: Tiling) -> Array:
    """The adjoint of `_of_data`."""
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
        tiles = _apply(
            (_transposed(down.data), _transposed(across.data)),
            _grid(part, (-1, tile_rows, tile_columns, width), across.products),
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


def _of_kernel(kernel: Array, tiling: Tiling) -> list[Array]:
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
    return _flat(_apply((down.kernel, across.kernel), grid))


def _to_kernel(
    made: list[Array], shape: tuple[int, int, int, int], tiling: Tiling
) -> Array:
    """The adjoint of `_of_kernel`."""
    (down, across), (row_stride, column_stride) = (
        tiling.filters,
        tiling.geometry.strides,
    )
    height, width, channels, features = shape
    grid = _apply(
        (_transposed(down.kernel), _transposed(across.kernel)),
        _grid(made, (row_stride, column_stride * channels, features), across.products),
    )
    taps = jnp.stack([jnp.stack(row, axis=1) for row in grid])
    full = taps.reshape(-1, across.taps * column_stride, channels, features)
    return full[:height, :width]


def _of_result(result: Array, tiling: Tiling) -> list[Array]:
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
    return _flat(_apply((_transposed(down.output), _transposed(across.output)), grid))


def _to_result(made: list[Array], tiling: Tiling) -> Array:
    """The adjoint of `_of_result`."""
    down, across = tiling.filters
    shape = (-1, *tiling.tiles, made[0].shape[-1])
    grid = _apply((down.output, across.output), _grid(made, shape, across.products))
    height, width = tiling.geometry.output
    return _interleaved(grid)[:, :height, :width]


def _apply(matrices: tuple[Matrix, Matrix], grid: Grid) -> Grid:
    """`rows grid columns^T` of the matrices for rows and for columns."""
    rows, columns = matrices
    half = [[_combined(row, column) for column in zip(*grid)] for row in rows]
    return [[_combined(column, row) for column in columns] for row in half]


def _combined(weights: Sequence[float], parts: Sequence[Array]) -> Array:
    """The sum of the parts by weights, which are mostly 0, 1 and -1."""
    terms = [
        part if weight == 1 else -part if weight == -1 else weight * part
        for weight, part in zip(weights, parts)
        if weight
    ]
    return functools.reduce(jnp.add, terms)


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix))


def _flat(grid: Grid) -> list[Array]:
    return [part for row in grid for part in row]


def _grid(parts: list[Array], shape: tuple[int, ...], columns: int) -> Grid:
    parts = [part.reshape(shape) for part in parts]
    return [parts[i : i + columns] for i in range(0, len(parts), columns)]


def _interleaved(grid: Grid) -> Array:
    """Pixels (i, j) of every tile, each `[B, rows, columns, C]`, as one map."""
    tiles = jnp.stack([jnp.stack(row, axis=3) for row in grid], axis=2)
    batch, rows, down, columns, across, channels = tiles.shape
    return tiles.reshape(batch, rows * down, columns * across, channels)


def _product(left: Array, right: Array, contracted: tuple[int, int]) -> Array:
    axes = tuple((axis,) for axis in contracted)
    return lax.dot_general(
        left, right, (axes, ((), ())), preferred_element_type=jnp.float32
    )


def _piece(batch: int, kernel: Array, tiling: Tiling) -> int:
    """How many pieces the batch is cut into: a divisor of it that leaves tiles enough in each."""
    inner = math.prod((*tiling.geometry.strides, kernel.shape[2]))
    tiles = math.prod(tiling.tiles)
    wide = math.prod(filter.products for filter in tiling.filters) * inner
    fits = max(PIECE // (wide * tiles), 1)
    counts = [
        n for n in range(1, batch + 1) if batch % n == 0 and batch // n * tiles >= TILES
    ]
    return next((n for n in counts if batch // n <= fits), max(counts, default=1))


def _pieces(arrays: Sequence[Array], count: int) -> Callable[[int], list[Array]]:
    """Piece i of each array: every `count`-th example, so that devices keep theirs."""
    cut = [a.reshape(a.shape[0] // count, count, *a.shape[1:]) for a in arrays]
    return lambda i: [lax.dynamic_index_in_dim(a, i, 1, keepdims=False) for a in cut]


def _piecewise(function: Callable[..., Array], *arrays: Array, count: int) -> Array:
    """`function` of a batch, piece by piece."""
    if count == 1:
        return function(*arrays)
    piece = _pieces(arrays, count)
    like = jax.eval_shape(lambda: function(*piece(0)))
    made = jnp.zeros((len(arrays[0]) // count, count, *like.shape[1:]), like.dtype)

    def step(i: int, made: Array) -> Array:
        return lax.dynamic_update_index_in_dim(made, function(*piece(i)), i, 1)

    made = lax.fori_loop(0, count, step, made)
    return made.reshape(-1, *like.shape[1:])


def _summed(function: Callable[..., list], *arrays: Array, count: int) -> list[Array]:
    """What `function` makes of the pieces of a batch, added up."""
    piece = _pieces(arrays, count)
    step = lambda i, total: jax.tree.map(jnp.add, total, function(*piece(i)))
    return lax.fori_loop(1, count, step, function(*piece(0)))
