"""Ranges of knobs: declared beside the knob as its annotation, checked where parts are built.

A knob's annotation says its type and range, `weight: NonNegative = 1.0`; the registry refuses other
values before anything is built. A traced array cannot be looked at and passes; its trial's config was
checked with numbers.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import numpy as np

from genlab.errors import InputError

_INFINITY = float("inf")
_LARGEST = float(np.finfo(np.float32).max)
_MOST = 2**31 - 1  # what the counters of a compiled program hold


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; a round bracket leaves that end out, as `[)` does 1 of [0, 1)."""

    low: float
    high: float = _INFINITY
    brackets: str = "[]"

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, int | float | np.number):
            return True  # None, or a list: the type is checked apart
        above = self.low < value if self.brackets[0] == "(" else self.low <= value
        below = value < self.high if self.brackets[1] == ")" else value <= self.high
        return above and below

    def __str__(self) -> str:
        if self.high == _MOST:
            return f"{self.low:g} or more, below 2^31"
        if self.high == _INFINITY:
            return (
                f"above {self.low:g}"
                if "(" in self.brackets
                else f"{self.low:g} or more"
            )
        return f"in {self.brackets[0]}{self.low:g}, {self.high:g}{self.brackets[1]}"


Positive = Annotated[float, Range(0, _INFINITY, "()")]
NonNegative = Annotated[float, Range(0)]
Fraction = Annotated[float, Range(0, 1)]
PositiveFraction = Annotated[float, Range(0, 1, "(]")]
Share = Annotated[float, Range(0, 1, "[)")]  # a part that leaves some of the whole
Decay = Annotated[
    float, Range(0, 1, "[)")
]  # how much of the old a moving average keeps
Coordinate = Annotated[float, Range(-100, 100)]  # of a point, or an end of a box
Count = Annotated[int, Range(1, _MOST)]
Whole = Annotated[int, Range(0, _MOST)]
Seed = Annotated[int, Range(0, 2**32 - 1)]


def check(what: str, value: Any, annotation: Any) -> None:
    """Raises InputError unless a knob's value is what its annotation says.

    Types other than numbers, texts, flags and collections of them pass; NaN and infinity never do.

    Args:
      what: the part and its knob, as the message calls them.
      value: as a config has it, where sequences may be lists.
      annotation: with its `Annotated` ranges.
    """
    if not _accepts(value, annotation):
        raise InputError(f"{what}={value!r} is not {_told(annotation)}")


def is_float(annotation: Any) -> bool:
    """Whether an annotation is that of one float, or of one float or nothing."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return is_float(inner[0])
    if origin in (typing.Union, types.UnionType):
        kinds = [kind for kind in inner if kind is not types.NoneType]
        return bool(kinds) and all(map(is_float, kinds))
    return annotation is float


def range_of(annotation: Any) -> str:
    """The range that an annotation declares, as text; empty where it declares none."""
    found = [part for part in typing.get_args(annotation) if isinstance(part, Range)]
    if found:
        return str(found[0])
    return next(filter(None, map(range_of, typing.get_args(annotation))), "")


def within(
    name: str,
    value: Any,
    low: float,
    high: float = _INFINITY,
    *,
    inside: bool = False,
) -> None:
    """Raises InputError unless `low <= value <= high`, or with `inside` `low < value < high`.

    For a range that depends on other values; any other is the knob's annotation.
    """
    if isinstance(value, jax.Array):
        return
    left, right = "()" if inside else "[]"
    if value not in Range(low, high, left + right):
        raise InputError(f"{name}={value} is outside {left}{low:g}, {high:g}{right}")


def _accepts(value: Any, annotation: Any) -> bool:
    if isinstance(value, jax.Array):
        return True
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        ranges = [part for part in inner if isinstance(part, Range)]
        return _accepts(value, inner[0]) and all(value in allowed for allowed in ranges)
    if origin in (typing.Union, types.UnionType):
        return any(_accepts(value, kind) for kind in inner)
    kind = origin or annotation
    if kind in _TYPES and not isinstance(value, _TYPES[kind]):
        return False
    if kind in (int, float) and isinstance(value, bool):
        return False
    if kind in (Sequence, tuple, list) and inner:
        # tuple[int] is one of any length, which is what people mean by it
        if kind is tuple and ... not in inner and len(inner) > 1:
            return len(value) == len(inner) and all(map(_accepts, value, inner))
        return all(_accepts(element, inner[0]) for element in value)
    if kind is Mapping and inner:
        return all(_accepts(element, inner[1]) for element in value.values())
    return _is_finite(value)


_TYPES = {
    float: (int, float, np.integer, np.floating),
    int: (int, np.integer),
    bool: (bool, np.bool_),
    str: (str,),
    types.NoneType: (types.NoneType,),
    Sequence: (list, tuple),
    tuple: (list, tuple),
    list: (list, tuple),
    Mapping: (Mapping,),
}


def _is_finite(value: Any) -> bool:
    return not isinstance(value, int | float | np.number) or abs(value) <= _LARGEST


def _told(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return f"{_told(inner[0])}, {range_of(annotation)}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_told, inner))
    if origin in (Sequence, tuple, list) and inner:
        kinds = dict.fromkeys(_told(kind) for kind in inner if kind is not ...)
        return f"a list, each {', '.join(kinds)}"
    if origin is Mapping and inner:
        return f"a dict, each {_told(inner[1])}"
    return _WORDS.get(origin or annotation, "a finite number")


_WORDS = {
    float: "a finite number",
    int: "a whole number",
    bool: "True or False",
    str: "a text",
    types.NoneType: "None",
    Sequence: "a list",
    tuple: "a list",
    list: "a list",
    Mapping: "a dict",
}
