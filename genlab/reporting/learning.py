"""Learning curves of a sweep: trials that differ only in their seed as one mean with a band."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genlab.reporting.charts import MAX_BROKEN, decimate
from genlab.reporting.knobs import Knob, setting, spelled, trial_label
from genlab.reporting.markup import six_digits
from genlab.reporting.run import TIME, Curve, thin
from genlab.reporting.sweep import Sweep

ALL_POINTS = 150_000  # of all curves of a page, about 4 MB
MOST_POINTS, LEAST_POINTS = 400, 12  # of one curve
FEW_SEEDS = 3  # from which the standard error is worth drawing


@dataclass(frozen=True)
class Group:
    """Trials that differ only in their seed.

    Attributes:
      label: what they have in common of the differing knobs.
      trials: their indices.
    """

    label: str
    trials: tuple[int, ...]


def seed_groups(sweep: Sweep, knobs: Sequence[Knob]) -> list[Group]:
    """The trials by what they have in common, in order of first appearance."""
    groups = defaultdict(list)
    for index, trial in enumerate(sweep.trials):
        groups[tuple(spelled(trial.overrides, k.key) for k in knobs)].append(index)
    first = {key: sweep.trials[members[0]].overrides for key, members in groups.items()}
    return [
        Group(setting(first[key], knobs) or "all trials", tuple(members))
        for key, members in groups.items()
    ]


def learning_charts(sweep: Sweep, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """One chart for each logged value, held-out values first, time last, ready for JSON.

    Returns:
      charts {title, split, log, series: [{name, split, steps, values, low, high, broken, trials}]},
      a series for each group that logged the value; `low` and `high` are the band, empty for a
      group of one.
    """
    logged: dict[tuple[str, str], dict[Group, dict[int, Curve]]] = {}
    for group in groups:
        for index in group.trials:
            for curve in sweep.trials[index].curves:
                chart = logged.setdefault((curve.split, curve.name), defaultdict(dict))
                chart[group][index] = curve
    lines = sum(len(chart) for chart in logged.values())
    most = min(MOST_POINTS, max(LEAST_POINTS, ALL_POINTS // max(1, 3 * lines)))
    rank = {"validation": 0, "test": 1, "train": 2, TIME: 3}
    return [
        {
            "title": name.replace("_", " "),
            "split": split,
            "log": name.endswith("_norm"),
            "series": [
                _series(group.label, split, curves, most)
                for group, curves in logged[split, name].items()
            ],
        }
        for split, name in sorted(logged, key=lambda key: rank.get(key[0], 2))
    ]


def band(values: Sequence[float], *, several: bool) -> tuple[float, float]:
    """Lower and upper edge around the mean of the seeds' values at one step.

    Args:
      values: one or more, finite.
      several: whether three seeds or more have the curve: then the edges are one standard error
        (n - 1) from the mean, otherwise the smallest and the largest value.
    """
    if not several or len(values) < 2:
        return min(values), max(values)
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    return mean - error, mean + error


def _series(
    name: str, split: str, curves: dict[int, Curve], most: int
) -> dict[str, Any]:
    at: dict[int, list[float]] = defaultdict(list)
    for curve in curves.values():
        for step, value in zip(curve.steps, curve.values, strict=True):
            at[step].append(value)
    means = [statistics.fmean(at[step]) for step in sorted(at)]
    steps, values = decimate(sorted(at), means, most=most)
    several = len(curves) >= FEW_SEEDS
    edges = [band(at[step], several=several) for step in steps]
    broken = sorted({step for curve in curves.values() for step in curve.broken})
    joined = len(curves) > 1
    return {
        "name": f"{name} ({len(curves)} seeds)" if joined else name,
        "split": split,
        "steps": steps,
        "values": [six_digits(value) for value in values],
        "low": [six_digits(low) for low, _ in edges] if joined else [],
        "high": [six_digits(high) for _, high in edges] if joined else [],
        "broken": thin(broken, most=MAX_BROKEN),
        "trials": list(curves),
    }


def schedule_charts(sweep: Sweep, knobs: Sequence[Knob]) -> list[dict[str, Any]]:
    """The knobs of members that copied others, over the rounds: one chart for each number.

    Returns:
      charts as `learning_charts`; no chart where nobody copied a number.
    """
    charts = []
    for knob in knobs:
        if knob.kind == "category":
            continue
        series = []
        for index, trial in enumerate(sweep.trials):
            steps, values = [0], [knob.places[index]]
            for copy in trial.copies:
                copied = (copy.get("knobs") or {}).get(knob.key)
                if isinstance(copied, int | float) and math.isfinite(copied):
                    # Both values at the step: the line jumps there.
                    steps += [copy["step"], copy["step"]]
                    values += [values[-1], copied]
            if len(steps) > 1 and None not in values:
                steps.append(max(trial.step, steps[-1]))
                values.append(values[-1])
                label = trial_label(trial.overrides, knobs) or trial.name
                series.append(_schedule(f"began as {label}", steps, values, index))
        if series:
            title = f"{knob.label.replace('_', ' ')} of members that copied another"
            charts.append(
                {
                    "title": title,
                    "split": "",
                    "log": knob.kind == "log",
                    "series": series,
                }
            )
    return charts


def _schedule(
    name: str, steps: list[int], values: list[float], index: int
) -> dict[str, Any]:
    return {
        "name": name,
        "split": "train",
        "steps": steps,
        "values": [six_digits(value) for value in values],
        "low": [],
        "high": [],
        "broken": [],
        "trials": [index],
    }
