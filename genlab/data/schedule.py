"""Which examples a batch holds: a pure function of (seed, step)."""

import functools

import numpy as np

from genlab.errors import InputError


@functools.lru_cache(maxsize=8)
def epoch_order(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of one pass over the data: a read-only permutation `[size]` int64.

    Raises:
      InputError: `seed` is negative.
    """
    if seed < 0:
        raise InputError(f"seed {seed} is negative; it must be 0 or more")
    generator = np.random.default_rng(np.random.SeedSequence((seed, epoch)))
    order = generator.permutation(size)
    order.setflags(write=False)  # every caller gets the cached array itself
    return order


def indices_from(seed: int, first: int, count: int, size: int) -> np.ndarray:
    """Examples at positions [first, first + count) of the endless pass: `[count]` int64.

    Position p is the (p mod size)-th example of epoch p // size, so that every epoch holds every
    example once and nothing needs to be remembered between calls.

    Raises:
      InputError: `seed` is negative or `size` is below 1.
    """
    if size < 1:
        raise InputError(f"a split of {size} examples has no order; it needs 1 or more")
    pieces = []
    while count > 0:
        epoch, offset = divmod(first, size)
        piece = epoch_order(seed, epoch, size)[offset : offset + count]
        pieces.append(piece)
        first += len(piece)
        count -= len(piece)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def batch_indices(seed: int, step: int, batch_size: int, size: int) -> np.ndarray:
    """Examples of batch `step`: `[batch_size]` int64 in [0, size); may span epochs."""
    return indices_from(seed, step * batch_size, batch_size, size)
