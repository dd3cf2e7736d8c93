"""What a metric returns: values, and the protocol that they were measured by."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.statistics import about, over_examples

HELD_OUT = "held_out"  # the family's own metric, whose values stand by their own name
# What a protocol says of the model that was measured: others need not share it to be compared.
OWN = frozenset(
    {
        "seed",
        "chosen",
        "chosen_at_an_end",
        "classes_missed",
        "warning",
        "left_out",
        "matching",
        "copies",
        "not_converged",
        "parameters",
        "scaling",
    }
)

FEW = 3  # numbered values that are no long series

_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Measurement:
    """Named values with their protocol; values of unlike protocols are not compared.

    Attributes:
      values: name -> number.
      protocol: split, counts, features, seeds, whatever the numbers depend on.
      intervals: name -> 95 % interval of a value over the examples that it was measured on, as if
        they were drawn anew and the model was the same; finite, and only where it is known.
    """

    values: dict[str, float]
    protocol: dict[str, Any]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def beside(samples: np.ndarray, floor: np.ndarray | None) -> dict[str, np.ndarray]:
    """What a metric measures, by the suffix of its values: "" the samples, `_floor` real examples, as many as samples
    at most, and where these are fewer, `_at_floor` as many of the samples."""
    found = {"": samples}
    if floor is not None:
        found["_floor"] = floor[: len(samples)]
        if len(floor) < len(samples):
            found["_at_floor"] = samples[: len(floor)]
    return found


def finite(samples: np.ndarray) -> np.ndarray:
    """The samples.

    Raises:
      InputError: some have numbers that are not finite, and belong nowhere.
    """
    broken = np.count_nonzero(~np.isfinite(samples.reshape(len(samples), -1)).all(1))
    if broken:
        raise InputError(f"{broken} of {len(samples)} samples are not finite")
    return samples


def means_of(
    scores: dict[str, np.ndarray],
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The mean of each score `[N]` of examples by name, and its interval over the examples; of bools it is
    that of a share."""
    values = {name: float(np.mean(s, dtype=np.float64)) for name, s in scores.items()}
    found = {name: over_examples(score) for name, score in scores.items()}
    return values, known(found)


def estimates(
    name: str,
    sets: Mapping[str, Any],
    one: Callable[[Any], tuple[float, float, int]],
    share: bool = False,
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """A value of each of several sets, by `name` and the set's suffix, and its interval.

    Args:
      name: of the value.
      sets: suffix -> set.
      one: a set to its value, and what `statistics.about` asks: the error, and the count behind it.
      share: whether the value lies in [0, 1].
    """
    found = {f"{name}{suffix}": one(each) for suffix, each in sets.items()}
    values = {key: value for key, (value, _, _) in found.items()}
    return values, known(
        {key: about(*each, share=share) for key, each in found.items()}
    )


def known(intervals: dict[str, tuple[float, float] | None]) -> dict[str, tuple]:
    """Those of the intervals that are there."""
    return {name: pair for name, pair in intervals.items() if pair is not None}


def values_of(results: dict[str, Measurement]) -> dict[str, float]:
    """One flat dict; values of `held_out` by their own name, the others under their metric's."""
    return {
        flat_name(metric, value_name): value
        for metric, measurement in results.items()
        for value_name, value in measurement.values.items()
    }


def in_series(names: Iterable[str]) -> list[list[str]]:
    """The names in their order, numbered ones of a long series together, `kl_0`, ..., `kl_9`."""
    series: dict[str, list[str]] = {}
    for name in names:
        series.setdefault(_NUMBER.sub("_#", name), []).append(name)
    return [
        part
        for found in series.values()
        for part in ([found] if len(found) > FEW else [[name] for name in found])
    ]


def flat_name(metric: str, value: str) -> str:
    """What a value of a metric is called among those of others."""
    return value if metric == HELD_OUT else f"{metric}/{value}"


def metric_of(name: str) -> str:
    """The metric that a `flat_name` is a value of."""
    metric, slash, _ = name.partition("/")
    return metric if slash else HELD_OUT
