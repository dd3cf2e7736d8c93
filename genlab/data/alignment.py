"""Two lists that nobody has paired, side by side."""

from collections.abc import Hashable, Sequence

import numpy as np


def align(xs: Sequence[Hashable], ys: Sequence[Hashable], *, apart: bool) -> np.ndarray:
    """Rows `[N, 2]` of two lists side by side, N of them as the longer list has.

    Every entry of the longer list is in one row; the shorter is repeated. N is 0 where one is
    empty. Rows are those of equal place, or with `apart` half the shorter list away and rearranged
    until no two entries of one name stand together, wherever an arrangement of these rows exists
    that does so.

    Args:
      xs: names of the entries of one list.
      ys: names of the entries of the other.
      apart: whether equal names keep away from each other.
    """
    count = max(len(xs), len(ys)) if len(xs) and len(ys) else 0
    if not count:
        return np.zeros((0, 2), np.int64)
    turn = np.arange(count)
    shift = min(len(xs), len(ys)) // 2 if apart else 0
    rows = np.stack([turn % len(xs), (turn + shift) % len(ys)], axis=1)
    if apart:
        code = {name: number for number, name in enumerate(dict.fromkeys([*xs, *ys]))}
        names = [np.array([code[name] for name in side]) for side in (xs, ys)]
        rows[:, 1] = rows[_parted(names[0][rows[:, 0]], names[1][rows[:, 1]]), 1]
    return rows


def _parted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An order of `y: [N]`, `[N]`, that nowhere agrees with `x: [N]`, if there is one."""
    order = np.arange(len(x))
    clashes = np.flatnonzero(x == y)
    order[clashes] = np.roll(clashes, 1)
    for row in np.flatnonzero(x == y[order]):
        # What has this name in neither column can change places with it.
        free = np.flatnonzero((x != x[row]) & (y[order] != x[row]))
        if free.size:
            order[[row, free[0]]] = order[[free[0], row]]
    return order
