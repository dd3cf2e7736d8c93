"""The knobs in which the trials of a sweep differ, each on an axis of its own kind."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SEED = "seed"  # which differs between trials that are to say the same
NOT_SET = "not set"
LOG_RANGE = 8.0  # largest over smallest, from which an axis may be logarithmic


@dataclass(frozen=True)
class Knob:
    """One override that is not the same in all trials.

    Attributes:
      key: dotted, as in the config.
      label: the end of the key, as long as it takes to tell it from the other knobs.
      kind: `linear`, `log` or `category`.
      levels: texts of a category's values in order of first appearance, else empty.
      places: one a trial: a number, the index of a level, or None where a number is not set.
    """

    key: str
    label: str
    kind: str
    levels: tuple[str, ...]
    places: tuple[float | None, ...]


def differing_knobs(overrides: Sequence[dict[str, Any]]) -> list[Knob]:
    """The knobs that differ between trials, but for the seed, in order of first appearance.

    Args:
      overrides: dotted key -> value, one dict a trial.
    """
    keys = dict.fromkeys(key for trial in overrides for key in trial if key != SEED)
    differing = [key for key in keys if len({spelled(t, key) for t in overrides}) > 1]
    labels = short_labels(differing)
    return [_knob(key, labels[key], overrides) for key in differing]


def axis_kind(values: Sequence[float]) -> str:
    """`log` for positive values that span a factor of 8 with their median well inside.

    That is, on a logarithmic axis it lies away from the ends, and nearer to the middle than on a
    linear one; values with a single one far away are `linear`.
    """
    if not values or min(values) <= 0 or max(values) < LOG_RANGE * min(values):
        return "linear"
    low, middle, high = min(values), statistics.median(values), max(values)
    linear = (middle - low) / (high - low)
    log = math.log(middle / low) / math.log(high / low)
    nearer = abs(log - 0.5) <= abs(linear - 0.5)
    return "log" if nearer and 0.1 <= log <= 0.9 else "linear"


def short_labels(keys: Sequence[str]) -> dict[str, str]:
    """The shortest end of each dotted key that is the end of no other."""
    labels = {}
    for key in keys:
        parts = key.split(".")
        ends = [".".join(parts[i:]) for i in reversed(range(len(parts)))]
        labels[key] = next(
            (e for e in ends if sum(f".{k}".endswith(f".{e}") for k in keys) == 1), key
        )
    return labels


def spelled(overrides: dict[str, Any], key: str) -> str:
    """A value as text: numbers alike in value are alike in text, whoever wrote them."""
    if key not in overrides:
        return NOT_SET
    value = number(overrides[key])
    return str(overrides[key]) if value is None else f"{value:.6g}"


def setting(overrides: dict[str, Any], knobs: Sequence[Knob]) -> str:
    """What a trial is, in the words of the differing knobs: `beta 0.5, width 64`."""
    parts = []
    for knob in knobs:
        value = number(overrides.get(knob.key))
        told = spelled(overrides, knob.key) if value is None else f"{value:.4g}"
        parts.append(f"{knob.label.replace('_', ' ')} {told}")
    return ", ".join(parts)


def number(value: Any) -> float | None:
    """A finite number, also where --grid left it as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def trial_label(overrides: dict[str, Any], knobs: Sequence[Knob]) -> str:
    """`setting` and the seed; empty for a trial of which there is nothing to tell."""
    seed = [f"{SEED} {overrides[SEED]}"] if SEED in overrides else []
    return ", ".join(([setting(overrides, knobs)] if knobs else []) + seed)


def _knob(key: str, label: str, overrides: Sequence[dict[str, Any]]) -> Knob:
    present = [trial[key] for trial in overrides if key in trial]
    numbers = [number(value) for value in present]
    if None not in numbers:
        places = tuple(
            number(trial[key]) if key in trial else None for trial in overrides
        )
        return Knob(key, label, axis_kind(sorted(set(numbers))), (), places)
    texts = [spelled(trial, key) for trial in overrides]
    levels = tuple(dict.fromkeys(texts))
    places = tuple(levels.index(text) for text in texts)
    return Knob(key, label, "category", levels, places)
