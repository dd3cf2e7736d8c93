"""Short filters by minimal filtering: the matrices of F(m, r), and how they apply to a grid.

F(m, r) makes m outputs of a filter with r taps from m + r - 1 products in the place of m r. With
three matrices, of data, kernel and output,

  y = output ((kernel g) * (data d)),

`*` element by element, g the r taps and d the m + r - 1 numbers that the outputs see.

Papers: Winograd 1980, Arithmetic Complexity of Computations; Lavin and Gray 2016, arXiv:1509.09308
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp

Array = jax.Array
Matrix = tuple[tuple[float, ...], ...]
Grid = list[list[Array]]  # an array per row and column of a tile


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


def apply(matrices: tuple[Matrix, Matrix], grid: Grid) -> Grid:
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


def transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix))


def flat(grid: Grid) -> list[Array]:
    return [part for row in grid for part in row]


def grid_of(parts: list[Array], shape: tuple[int, ...], columns: int) -> Grid:
    parts = [part.reshape(shape) for part in parts]
    return [parts[i : i + columns] for i in range(0, len(parts), columns)]
