"""Random keys by name and step; nothing is stored and no key is used twice.

A key is folded from the run's seed, the name of its stream and the step. Draws for a batch are
made per example, from the example's index in the global batch, so that they do not depend on how
many devices share the batch.
"""

import math
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import parallel, threefry

Array = jax.Array
THREEFRY = "threefry2x32"  # JAX's own choice of a generator, which a user can change


def fold(key: Array, below: str | int | Array) -> Array:
    """The key of the stream `below`, a name or a number, below `key`; `jax.random.fold_in` of it."""
    number = zlib.crc32(below.encode()) if isinstance(below, str) else below
    if not _is_threefry(key):
        return jax.random.fold_in(key, number)
    words = threefry.folded(jax.random.key_data(key), jnp.asarray(number, jnp.uint32))
    return jax.random.wrap_key_data(words, impl=THREEFRY)


def stream(seed: int | Array, name: str, step: int | Array = 0) -> Array:
    """The key of the stream `name` at `step` of a run with `seed`."""
    return fold(fold(jax.random.key(seed), name), step)


def examples(key: Array, count: int) -> Array:
    """One key per example of the batch, by its global index: `[count]` keys."""
    return numbered(key, parallel.example_indices(count))


def numbered(key: Array, numbers: Array) -> Array:
    """The keys of the streams `numbers: [N]` below `key`, `[N]` keys."""
    return jax.vmap(lambda number: fold(key, number))(numbers)


def normal(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """Standard normal draws; the first axis of `shape` counts examples."""
    if dtype != jnp.float32 or not _is_threefry(key):
        draw = lambda one: jax.random.normal(one, shape[1:], dtype)
        return jax.vmap(draw)(examples(key, shape[0]))
    # As `jax.random.normal`: u is uniform between the floats next to -1 and 1.
    least = np.nextafter(np.float32(-1), np.float32(0))
    u = jnp.maximum(least, _unit(key, shape) * (1 - least) + least)
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(u)


def uniform(
    key: Array,
    shape: tuple[int, ...],
    minval: float | Array = 0.0,
    maxval: float | Array = 1.0,
) -> Array:
    """Uniform draws in [minval, maxval); the first axis of `shape` counts examples."""
    return minval + (maxval - minval) * _unit(key, shape)


def classes(key: Array, num: int, num_classes: int) -> Array:
    """Classes drawn evenly, `[num]` int32 in [0, num_classes)."""
    draws = uniform(fold(key, "classes"), (num,), 0.0, num_classes)
    return jnp.minimum(draws.astype(jnp.int32), num_classes - 1)


def bernoulli(key: Array, probability: float | Array, shape: tuple[int, ...]) -> Array:
    """Booleans, true with `probability`; the first axis of `shape` counts examples.

    A word of 32 random bits decides each, so that probabilities are exact to 2**-32.
    """
    size = math.prod(shape[1:])
    counts = jnp.arange(size + size % 2, dtype=jnp.uint32)
    # Both words of every block: `jax.random.bits` pays a block for each word.
    words = jax.vmap(lambda k: threefry.words(jax.random.key_data(k)[:2], counts))(
        examples(key, shape[0])
    )
    words = words[:, :size].reshape(shape)
    # Words below p * 2**32; as a float p keeps its 24 digits however small it is.
    limit = jnp.asarray(probability, jnp.float32) * 2.0**32
    below = words < jnp.clip(limit, 0, 2.0**32 - 256).astype(jnp.uint32)
    return below | (jnp.asarray(probability) >= 1)


def _unit(key: Array, shape: tuple[int, ...]) -> Array:
    """Uniform draws in [0, 1), those of `jax.random.uniform` for each example."""
    keys = examples(key, shape[0])
    if not _is_threefry(key):
        return jax.vmap(lambda one: jax.random.uniform(one, shape[1:]))(keys)
    draw = lambda one: threefry.bits(jax.random.key_data(one), shape[1:])
    # 23 of 32 bits behind the exponent of 1, as floats in [1, 2).
    ones = (jax.vmap(draw)(keys) >> 9) | np.float32(1).view(np.uint32)
    return jax.lax.bitcast_convert_type(ones, jnp.float32) - 1


def _is_threefry(key: Array) -> bool:
    return str(jax.random.key_impl(key)) == THREEFRY
