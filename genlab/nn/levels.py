"""Numbers as whole levels of a range, and levels as numbers."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError

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


def count_of(density: Any) -> int:
    """Levels of the numbers that a density is of; 0 for one of real numbers."""
    return getattr(density, "levels", 0)


def check_range(density: Any, low: float, high: float) -> None:
    """Raises InputError where a density has levels, or bounds, of another range than examples in [low, high]."""
    count = count_of(density)
    if not getattr(density, "ordered", True):
        if (low, high) != (0.0, count - 1.0):
            raise InputError(
                f"model.density.ordered=False is of categories, numbers from 0 to {count - 1}, and examples lie"
                f" in [{low}, {high}]; leave it out"
            )
    elif not count and getattr(density, "logit", None) is not None:
        if not density.low <= low <= high <= density.high:
            raise InputError(
                f"model.density.logit is of examples from {density.low} to {density.high}, its low and high, and"
                f" these lie in [{low}, {high}]"
            )
    elif count and (density.low, density.high) != (low, high):
        raise InputError(
            f"model.density has levels from {density.low} to {density.high}, and examples lie in [{low},"
            f" {high}]; set its low and high to these, or data.value_range"
        )


def check_count(density: Any, counts: Sequence[int]) -> None:
    """Raises InputError where a density has none of the numbers of levels that the data may be said to have, in
    rising order; none for real numbers."""
    count = count_of(density)
    if not count or count in counts:
        return
    if not counts:
        raise InputError(
            f"model.density is of numbers of {count} levels, and the data are real numbers; take"
            " another density, such as 'coupling_flow'"
        )
    raise InputError(
        f"model.density has {count} levels, and the data {counts[0]}; set levels={counts[0]}"
    )
