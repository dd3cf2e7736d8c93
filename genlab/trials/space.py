"""Spaces of trials: override dicts, as a config yields them or as the command line spells them."""

import itertools
import math
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.trials.value import listed

Overrides = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(listed(self.values, "Choice")))
        if not self.values:
            raise InputError("Choice of no values; give it one or more")

    def holds(self, value: Any) -> bool:
        return (type(value), value) in [(type(v), v) for v in map(kept, self.values)]

    @property
    def size(self) -> int:
        """How many values it has, as overrides tell them apart."""
        return len(set(map(str, self.values)))

    def draw(self, generator: np.random.Generator) -> Any:
        return self.values[generator.integers(len(self.values))]


@dataclass(frozen=True)
class Integers:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _set_range(self, operator.index, "whole numbers")
        if max(-self.low, self.high) >= 2**62:
            raise InputError(f"{self} leaves what 64 bits hold; give it less")

    def holds(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def draw(self, generator: np.random.Generator) -> int:
        return int(generator.integers(self.low, self.high + 1))


@dataclass(frozen=True)
class Uniform:
    """A number from `low` to `high`, evenly, or with `log` evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _set_range(self, float, "numbers")
        if not math.isfinite(self.high - self.low):
            raise InputError(f"{self} has no end; give it finite numbers")
        if self.log and not self.low > 0:
            raise InputError(f"{self} has no logarithm; give it a low above 0")

    def holds(self, value: Any) -> bool:
        slack = 1e-9 * max(abs(self.low), abs(self.high))  # of a sampler that rounds
        return type(value) is float and self.low - slack <= value <= self.high + slack

    @property
    def size(self) -> float:
        return math.inf if self.low < self.high else 1

    def draw(self, generator: np.random.Generator) -> float:
        if not self.log:
            return float(generator.uniform(self.low, self.high))
        low, high = np.log(self.low), np.log(self.high)
        # Back from the logarithm, the ends are not met to the last digit.
        value = float(np.exp(generator.uniform(low, high)))
        return min(max(value, self.low), self.high)


def _set_range(part: Integers | Uniform, kind: Any, name: str) -> None:
    """Turns both ends, which may be NumPy's, into plain numbers in their order."""
    try:
        object.__setattr__(part, "low", kind(part.low))
        object.__setattr__(part, "high", kind(part.high))
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{part} is between no {name}") from None
    if not part.low <= part.high:
        raise InputError(f"{part} is empty; give it a low of at most its high")


Space = dict[str, Choice | Integers | Uniform]


def size(space: Space) -> float:
    """How many points a space has; infinity where it is continuous."""
    return math.prod(part.size for part in space.values())


def draw(space: Space, count: int, *, seed: int = 0) -> list[Overrides]:
    """`count` random points of a space, none twice; the first n are the same for every count.

    Raises:
      InputError: an empty space, a count below 1, or one of more than its points.
    """
    if not space:
        raise InputError("the space has no keys")
    if count < 1:
        raise InputError(f"{count} trials are no sweep; --trials=N gives 1 or more")
    if count > (points := size(space)):
        raise InputError(
            f"{count} trials are more than the {points} points of the space;"
            f" take --trials={points} or less"
        )
    generator = np.random.default_rng(seed)
    found: dict[str, Overrides] = {}
    while len(found) < count:
        point = {key: part.draw(generator) for key, part in space.items()}
        found.setdefault(str([str(value) for value in point.values()]), point)
    return list(found.values())


def kept(value: Any) -> Any:
    """A value as a study's storage keeps it; what none does, such as a tuple, is its text."""
    simple = value is None or isinstance(value, bool | int | float | str)
    return value if simple else str(value)


def grid(**values: Sequence[Any] | Any) -> list[Overrides]:
    """Every combination of the values of some keys, `__` in a key standing for a dot.

    The last key varies fastest. A text or a number in the place of several values is one.

    Raises:
      InputError: a key without values, with values in no order, or with one that no override says.
    """
    columns = {
        (name := key.replace("__", ".")): listed(several, f"sweep of {name!r}")
        for key, several in values.items()
    }
    for key, choices in columns.items():
        if not choices:
            raise InputError(f"sweep of {key!r} has no values; give it one or more")
    rows = itertools.product(*columns.values())
    return [dict(zip(columns, row, strict=True)) for row in rows]


def product(*sweeps: Iterable[Overrides]) -> list[Overrides]:
    """Every combination of the trials of several sweeps.

    Raises:
      InputError: a key that two of them set.
    """
    trials = []
    for parts in itertools.product(*map(list, sweeps)):
        keys = [key for part in parts for key in part]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise InputError(
                f"two sweeps set {twice[0]!r}; a product takes unlike keys"
            )
        trials.append({key: value for part in parts for key, value in part.items()})
    return trials


def seeds(count: int) -> list[Overrides]:
    """Seeds 0 to count - 1.

    Raises:
      InputError: a count below 1.
    """
    if count < 1:
        raise InputError(f"{count} seeds are no sweep; give 1 or more")
    return [{"seed": seed} for seed in range(count)]


def parse_grid(text: str) -> list[Overrides]:
    """The grid that `key=1,2;other.key=a,b` spells; values stay text until the config types them.

    Raises:
      InputError: no entry, one that is not `KEY=VALUE,VALUE`, or a key twice.
    """
    values: dict[str, list[str]] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(";"))):
        key, equals, choices = entry.partition("=")
        if not equals or not key or not choices:
            raise InputError(f"--grid entry {entry!r} is not KEY=VALUE,VALUE")
        if second := re.search(r"\s([\w.]+)=", choices):
            raise InputError(
                f"--grid entry {entry!r} has two keys; put a semicolon before {second[1]}="
            )
        name = key.replace(".", "__")
        if name in values:
            raise InputError(f"--grid has {key!r} twice; give {key}=VALUE,VALUE once")
        values[name] = list(_split(choices))
    if not values:
        raise InputError(f"--grid={text!r} has no KEY=VALUE,VALUE")
    return grid(**values)


def _split(text: str) -> Iterator[str]:
    """Splits at commas that are not inside brackets, so that tuples may be values."""
    depth, start = 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
