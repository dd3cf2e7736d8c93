"""Random keys by name and step; nothing is stored and no key is used twice.

A key is folded from the run's seed, the name of its stream and the step. Draws for a batch are
made per example, from the example's index in the global batch, so that they do not depend on how
many devices share the batch.
"""

import math
import zlib

import jax
import jax.numpy as jnp

from genlab.game import parallel, threefry

Array = jax.Array


def fold(key: Array, name: str) -> Array:
    """The key of the stream `name` below `key`."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def stream(seed: int | Array, name: str, step: int | Array = 0) -> Array:
    """The key of the stream `name` at `step` of a run with `seed`."""
    return jax.random.fold_in(fold(jax.random.key(seed), name), step)


def examples(key: Array, count: int) -> Array:
    """One key per example of the batch, by its global index: `[count]` keys."""
    indices = parallel.example_indices(count)
    return jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)


def normal(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """Standard normal draws; the first axis of `shape` counts examples."""
    return jax.vmap(lambda k: jax.random.normal(k, shape[1:], dtype))(
        examples(key, shape[0])
    )


def uniform(
    key: Array,
    shape: tuple[int, ...],
    minval: float | Array = 0.0,
    maxval: float | Array = 1.0,
) -> Array:
    """Uniform draws in [minval, maxval); the first axis of `shape` counts examples."""
    draws = jax.vmap(lambda k: jax.random.uniform(k, shape[1:]))(
        examples(key, shape[0])
    )
    return minval + (maxval - minval) * draws


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
