"""Threefry-2x32, the hash behind keys of `jax.random`, as one elementwise program.

`jax.random` runs its five times four rounds as a loop over arrays on a CPU, for a single key too. Written out they are
one pass over the counts; the words are the same.

Paper: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3, SC
"""

import math

import jax
import jax.numpy as jnp

Array = jax.Array
ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
PARITY = 0x1BD11BDA


def block(key: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """The two words of each pair of counts, all uint32 of one shape; `key: [2]` uint32."""
    keys = key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(PARITY)
    first, second = first + keys[0], second + keys[1]
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            first = first + second
            second = first ^ _rotated(second, turn)
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return first, second


def words(key: Array, counts: Array) -> Array:
    """`jax.extend.random.threefry_2x32`: the first half of `counts: [2 N]` is hashed with the second."""
    return jnp.concatenate(block(key, *jnp.split(counts, 2)))


@jax.jit
def folded(key: Array, number: Array) -> Array:
    """The words of `jax.random.fold_in(key, number)`, `[2]`; `number: []` uint32.

    Compiled, since keys are also folded between programs.
    """
    return jnp.stack(block(key, jnp.uint32(0), number))


def bits(key: Array, shape: tuple[int, ...]) -> Array:
    """The words of `jax.random.bits(key, shape)`, uint32, of fewer than 2**32 elements."""
    counts = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    first, second = block(key, jnp.zeros_like(counts), counts)
    return first ^ second


def _rotated(word: Array, turn: int) -> Array:
    return (word << jnp.uint32(turn)) | (word >> jnp.uint32(32 - turn))
