"""Learning curves of a sweep: trials that differ only in their seed as one mean with a band."""

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genlab.reporting.charts import MAX_BROKEN, ROUNDS, decimate
from genlab.reporting.colors import color
from genlab.reporting.knobs import Knob, setting, spelled, trial_label
from genlab.reporting.markup import six_digits, words
from genlab.reporting.run import TIME, Curve, thin
from genlab.reporting.sweep import Sweep
from genlab.reporting.units import axis_name

ALL_POINTS = 150_000  # of all curves of a page, about 4 MB
MOST_POINTS, LEAST_POINTS = 400, 12  # of one curve
FEW_SEEDS = 3  # from which the standard error is worth drawing


@dataclass(frozen=True)
class Group:
    """Trials that differ only in their seed.

    Attributes:
      label: what they have in common of the differing knobs.
      color: of theirs, in all pictures of a page.
      trials: their indices.
    """

    label: str
    color: str
    trials: tuple[int, ...]


def seed_groups(sweep: Sweep, knobs: Sequence[Knob]) -> list[Group]:
    """The trials by what they have in common, in order of first appearance."""
    groups = defaultdict(list)
    for index, trial in enumerate(sweep.trials):
        groups[tuple(spelled(trial.overrides, k.key) for k in knobs)].append(index)
    first = {key: sweep.trials[members[0]].overrides for key, members in groups.items()}
    return [
        Group(
            setting(first[key], knobs) or "all trials",
            color(index, len(groups)),
            tuple(members),
        )
        for index, (key, members) in enumerate(groups.items())
    ]


def learning_charts(sweep: Sweep, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """One chart for each logged value, held-out values first, time last, ready for JSON.

    Returns:
      charts {title, file, split, log, x, y, series: [{name, split, color, steps, values, low, high,
      broken, trials}]}, a series for each group that logged the value; `low` and `high` are the
      band, empty for a group of one.
    """
    logged: dict[tuple[str, str], dict[Group, dict[int, Curve]]] = {}
    for group in groups:
        for index in group.trials:
            for curve in sweep.trials[index].curves:
                chart = logged.setdefault((curve.split, curve.name), defaultdict(dict))
                chart[group][index] = curve
    lines = sum(len(chart) for chart in logged.values())
    most = min(MOST_POINTS, max(LEAST_POINTS, ALL_POINTS // max(1, 3 * lines)))
    names = {name for _, name in logged}
    rank = {"validation": 0, "test": 1, "train": 2, TIME: 3}
    return [
        {
            "title": words(name),
            "file": words(f"{name} on {split}"),
            "split": split,
            "log": name.endswith("_norm"),
            "x": ROUNDS,
            "y": axis_name(f"{words(name)} on {split}", [name], names),
            "series": [
                _series(group, split, curves, most)
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


def best_so_far(sweep: Sweep, groups: Sequence[Group]) -> dict[str, Any] | None:
    """The target of each trial in the order in which they finished, or the first value without one,
    and the best until then; None where none has a value. The script draws it for other values.

    Returns:
      a chart as of `learning_charts`; the line is `stepped`, and the points have `colors`.
    """
    if not sweep.value_names:
        return None
    name = sweep.value_names[0]
    known = [(i, sweep.trials[i].values.get(name)) for i in sweep.finished()]
    values = [
        (i, value) for i, value in known if value is not None and math.isfinite(value)
    ]
    if not values:
        return None
    best = itertools.accumulate(
        (value for _, value in values), max if sweep.maximize else min
    )
    colors = colors_of(groups)
    common = {"split": "", "low": [], "high": [], "broken": []}
    steps = list(range(1, len(values) + 1))
    label = sweep.spoken(name)
    return {
        "title": "best so far",
        "split": "",
        "log": False,
        "x": "finished trials",
        "y": axis_name(label, [name.partition(" on ")[0]], sweep.value_names),
        "series": [
            {
                **common,
                "name": "best so far",
                "color": "var(--ink)",
                "stepped": True,
                "steps": steps,
                "values": list(map(six_digits, best)),
            },
            {
                **common,
                "name": "each trial",
                "color": "var(--soft)",
                "colors": [colors[index] for index, _ in values],
                "steps": steps,
                "values": [six_digits(value) for _, value in values],
            },
        ],
    }


def colors_of(groups: Sequence[Group]) -> dict[int, str]:
    """Index of a trial -> its color."""
    return {index: group.color for group in groups for index in group.trials}


def first_chart(charts: Sequence[dict[str, Any]], target: str) -> int:
    """Which chart a page opens with: that of the target where it is logged, a loss otherwise."""
    wanted = words(target)
    tests = (
        lambda chart: f"{chart['title']} on {chart['split']}" == wanted,
        lambda chart: chart["title"] == wanted,
        lambda chart: wanted and chart["title"].endswith(f"/{wanted}"),
        lambda chart: chart["title"].endswith("loss"),
        lambda chart: True,
    )
    found = ([i for i, chart in enumerate(charts) if test(chart)] for test in tests)
    return next((indices[0] for indices in found if indices), 0)


def _series(
    group: Group, split: str, curves: dict[int, Curve], most: int
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
        "name": f"{group.label} ({len(curves)} seeds)" if joined else group.label,
        "split": split,
        "color": group.color,
        "steps": steps,
        "values": [six_digits(value) for value in values],
        "low": [six_digits(low) for low, _ in edges] if joined else [],
        "high": [six_digits(high) for _, high in edges] if joined else [],
        "broken": thin(broken, most=MAX_BROKEN),
        "trials": list(curves),
    }


def schedule_charts(
    sweep: Sweep, knobs: Sequence[Knob], groups: Sequence[Group]
) -> list[dict[str, Any]]:
    """The knobs of members that copied others, over the rounds: one chart for each number.

    Returns:
      charts as `learning_charts`; no chart where nobody copied a number.
    """
    charts, colors = [], colors_of(groups)
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
                series.append(
                    {
                        "name": f"began as {label}",
                        "split": "train",
                        "color": colors[index],
                        "steps": steps,
                        "values": [six_digits(value) for value in values],
                        "low": [],
                        "high": [],
                        "broken": [],
                        "trials": [index],
                    }
                )
        if series:
            title = f"{words(knob.label)} of members that copied another"
            charts.append(
                {
                    "title": title,
                    "split": "",
                    "log": knob.kind == "log",
                    "x": ROUNDS,
                    "y": words(knob.label),
                    "series": series,
                }
            )
    return charts
