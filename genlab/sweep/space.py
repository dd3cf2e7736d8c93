"""Spaces of trials: override dicts, as a config yields them or as the command line spells them."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genlab.errors import InputError

Overrides = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("Choice of no values; give it one or more")

    def draw(self, generator: np.random.Generator) -> Any:
        return self.values[generator.integers(len(self.values))]


@dataclass(frozen=True)
class Integers:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high)

    def draw(self, generator: np.random.Generator) -> int:
        return int(generator.integers(self.low, self.high + 1))


@dataclass(frozen=True)
class Uniform:
    """A number from `low` to `high`, evenly, or with `log` evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high)
        if self.log and not self.low > 0:
            raise InputError(f"{self} has no logarithm; give it a low above 0")

    def draw(self, generator: np.random.Generator) -> float:
        if self.log:
            low, high = np.log(self.low), np.log(self.high)
            return float(np.exp(generator.uniform(low, high)))
        return float(generator.uniform(self.low, self.high))


def _check_range(part: Integers | Uniform, low: float, high: float) -> None:
    if not low <= high:
        raise InputError(f"{part} is empty; give it a low of at most its high")


Space = dict[str, Choice | Integers | Uniform]


def draw(space: Space, count: int, *, seed: int = 0) -> list[Overrides]:
    """`count` random points of a space; the first n are the same for every count.

    Raises:
      InputError: an empty space, or a count below 1.
    """
    if not space:
        raise InputError("the space has no keys")
    if count < 1:
        raise InputError(f"{count} trials are no sweep; --trials=N gives 1 or more")
    generator = np.random.default_rng(seed)
    return [
        {key: distribution.draw(generator) for key, distribution in space.items()}
        for _ in range(count)
    ]


def grid(**values: Sequence[Any]) -> list[Overrides]:
    """Every combination of the values of some keys, `__` in a key standing for a dot.

    The last key varies fastest.

    Raises:
      InputError: a key without values.
    """
    keys = [key.replace("__", ".") for key in values]
    for key, choices in zip(keys, values.values(), strict=True):
        if not choices:
            raise InputError(f"sweep of {key!r} has no values; give it one or more")
    rows = itertools.product(*values.values())
    return [dict(zip(keys, row, strict=True)) for row in rows]


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
