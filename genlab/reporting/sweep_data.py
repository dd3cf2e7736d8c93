"""What the script of a sweep's page draws: knobs, measured values, trials and curves as JSON."""

import math
from collections.abc import Sequence
from typing import Any

from genlab.reporting.knobs import Knob, axis_kind, trial_label
from genlab.reporting.learning import (
    Group,
    colors_of,
    first_chart,
    learning_charts,
    schedule_charts,
)
from genlab.reporting.markup import six_digits, words
from genlab.reporting.sweep import Sweep
from genlab.reporting.trial import TrialRecord
from genlab.reporting.units import axis_name

MAX_LEVELS = 20  # of a knob that a heat map has room for


def page_data(
    sweep: Sweep, knobs: Sequence[Knob], groups: Sequence[Group]
) -> dict[str, Any]:
    """Everything that the page's pictures are drawn from, ready for JSON.

    Returns:
      {values: [{name, label, axis, kind}], value: index of the value to look at or null, maximize, knobs:
      [{label, kind, levels}], trials: [{name, label, state, color, command, knobs, values}],
      finished: indices of trials in the order in which they did, scatter: [x, y] (indices of values,
      or null), heat: {x, y} (see `heat_map`, or null), charts: [...], chart: index of the first to be
      shown, schedules: [...]}.
    """
    names = sweep.value_names
    colors = colors_of(groups)
    charts = learning_charts(sweep, groups)
    return {
        "values": [
            {
                "name": name,
                "label": sweep.spoken(name),
                "axis": axis_name(
                    sweep.spoken(name), [name.partition(" on ")[0]], names
                ),
                "kind": _kind(sweep, name),
            }
            for name in names
        ],
        "value": 0 if names else None,
        "maximize": sweep.maximize,
        "knobs": [
            {"label": words(knob.label), "kind": knob.kind, "levels": knob.levels}
            for knob in knobs
        ],
        "trials": [
            _trial(sweep, trial, knobs, index, names) | {"color": colors[index]}
            for index, trial in enumerate(sweep.trials)
        ],
        "finished": sweep.finished(),
        "scatter": scatter_pair(names),
        "heat": heat_map(knobs),
        "charts": charts,
        "chart": first_chart(charts, sweep.target),
        "schedules": schedule_charts(sweep, knobs, groups),
    }


def scatter_pair(names: Sequence[str]) -> list[int] | None:
    """Indices of the two values to draw against each other: rate against distortion if it can."""
    if len(names) < 2:
        return None
    kl = next((i for i, name in enumerate(names) if "kl" in name.lower()), None)
    distortion = next((i for i, n in enumerate(names) if "reconstruction" in n), None)
    return [0, 1] if kl is None or distortion is None else [kl, distortion]


def heat_map(knobs: Sequence[Knob]) -> dict[str, Any] | None:
    """The two knobs of a full grid, None where there are not two or they are no grid.

    Returns:
      {x: {knob: index, places: ascending}, y: the same}: places as in the knobs of the trials.
    """
    if len(knobs) != 2 or any(None in knob.places for knob in knobs):
        return None
    levels = [sorted(set(knob.places)) for knob in knobs]
    cells = set(zip(knobs[0].places, knobs[1].places, strict=True))
    sizes = [len(places) for places in levels]
    if min(sizes) < 2 or max(sizes) > MAX_LEVELS or len(cells) < math.prod(sizes):
        return None
    x, y = ({"knob": index, "places": levels[index]} for index in (0, 1))
    return {"x": x, "y": y}


def _kind(sweep: Sweep, name: str) -> str:
    values = [trial.values.get(name, math.nan) for trial in sweep.trials]
    return axis_kind([value for value in values if math.isfinite(value)])


def _trial(
    sweep: Sweep,
    trial: TrialRecord,
    knobs: Sequence[Knob],
    index: int,
    names: Sequence[str],
) -> dict[str, Any]:
    return {
        "name": trial.name,
        "label": trial_label(trial.overrides, knobs) or trial.name,
        "state": trial.state,
        "command": sweep.command(trial),
        "knobs": [knob.places[index] for knob in knobs],
        "values": [six_digits(trial.values.get(name)) for name in names],
    }
