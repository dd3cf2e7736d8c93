"""Threefry-2x32, the hash behind keys of `jax.random`, as one elementwise program."""

import jax
import jax.numpy as jnp

Array = jax.Array
ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
PARITY = 0x1BD11BDA


def words(key: Array, counts: Array) -> Array:
    """The words of `jax.extend.random.threefry_2x32`, bit by bit.

    That one runs its five times four rounds as a loop over arrays on a CPU; written out they are one pass over the
    counts.

    Args:
      key: [2] uint32.
      counts: [2 N] uint32; the first half and the second are hashed in pairs.

    Returns:
      [2 N] uint32.

    Paper: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3, SC
    """
    keys = key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(PARITY)
    first, second = jnp.split(counts, 2)
    first, second = first + keys[0], second + keys[1]
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            first = first + second
            second = first ^ _rotated(second, turn)
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return jnp.concatenate([first, second])


def _rotated(word: Array, turn: int) -> Array:
    return (word << jnp.uint32(turn)) | (word >> jnp.uint32(32 - turn))
