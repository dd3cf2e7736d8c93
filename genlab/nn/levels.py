"""Numbers as whole levels of a range, and levels as numbers."""

import jax
import jax.numpy as jnp

Array = jax.Array


def level_of(x: Array, count: int, low: float, high: float) -> Array:
    """The nearest of `count` levels spread evenly over [low, high], its ends among them: int32 in [0, count)."""
    level = jnp.round((x - low) / (high - low) * (count - 1))
    return jnp.clip(level, 0, count - 1).astype(jnp.int32)


def value_of(level: Array, count: int, low: float, high: float) -> Array:
    """The numbers that are levels in [0, count): float32 in [low, high]."""
    return low + (high - low) / (count - 1) * level.astype(jnp.float32)


def drawn(logits: Array, noise: Array) -> Array:
    """The level of `logits: [..., L]` at which their distribution function passes `noise: [...]` in [0, 1):
    int32 in [0, L)."""
    below = jnp.cumsum(jax.nn.softmax(logits), axis=-1)[..., :-1]
    return jnp.sum(below <= noise[..., None], axis=-1, dtype=jnp.int32)
