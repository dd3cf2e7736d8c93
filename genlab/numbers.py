"""Checks of knobs: numbers of a config are refused, traced ones pass."""

from typing import Any

import jax

from genlab.errors import InputError


def within(
    name: str,
    value: Any,
    low: float,
    high: float = float("inf"),
    *,
    inside: bool = False,
) -> None:
    """Raises InputError unless `low <= value <= high`, or with `inside` `low < value < high`.

    A traced value cannot be looked at and passes; its trial's config was checked with numbers.
    """
    if isinstance(value, jax.Array):
        return
    fits = low < value < high if inside else low <= value <= high
    if not fits:
        left, right = ("(", ")") if inside else ("[", "]")
        raise InputError(f"{name}={value} is outside {left}{low:g}, {high:g}{right}")


def at_least_one(part: str, **counts: int | None) -> None:
    """Raises InputError for the first of a part's counts that is below 1; None passes."""
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{part}.{name}={count}: take 1 or more")
