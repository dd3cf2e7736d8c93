"""One trial of a sweep as its folder stands, whoever wrote it and however far it came."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from genlab.reporting.run import Curve, find_pictures, planned_steps, read_metrics
from genlab.run import in_use
from genlab.sweep.table import flat_values, state_in

NO_REASON = "no reason given"


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """What the folder of one trial holds.

    Attributes:
      name: of the trial and its folder.
      overrides: dotted key -> value, as the sweep set it.
      state: one of STATES; `stopped` has begun, has not ended, and nobody works on it.
      note: why it failed, or where and at which value it was pruned.
      values: flat name -> measured value of a finished trial, NaN where it was not finite; the
        last evaluation of the target before the results.
      step: the last round that any file speaks of.
      curves: its logged values.
      pictures: plot -> its newest picture.
      copies: what it took over from other members, in ascending order of `step`:
        {"step": int, "from": name, "knobs": {dotted key: value}}.
      has_report: whether its folder holds a page of its own.
    """

    name: str
    overrides: dict[str, Any]
    state: str
    note: str
    values: dict[str, float]
    step: int
    curves: list[Curve]
    pictures: dict[str, Path]
    copies: list[dict[str, Any]]
    has_report: bool


def read_trial(
    folder: Path, overrides: dict[str, Any], busy: bool, target: str
) -> TrialRecord:
    """Reads a trial's folder, which need not exist.

    Args:
      folder: of the trial.
      overrides: as the sweep set them.
      busy: whether a process works on the whole sweep.
      target: the value whose last evaluation is taken too; may be empty.
    """
    curves, _ = read_metrics(folder / "metrics.jsonl")
    shots = find_pictures(folder / "samples")
    results = content_of(folder / "results.json", dict)
    config = content_of(folder / "config.json", dict).get("config")
    steps = [step for curve in curves for step in (*curve.steps, *curve.broken)]
    steps += [step for shot in shots.values() for step, _ in shot]
    steps += [results["step"]] if isinstance(results.get("step"), int) else []
    planned = planned_steps(config) if isinstance(config, dict) else None
    has_results = bool(results) and planned in (None, results.get("step"))
    state, note = _state(folder, has_results, busy)
    values = _evaluation(config, curves, target) | _flat(results)
    return TrialRecord(
        name=folder.name,
        overrides=overrides,
        state=state,
        note=note,
        values=values if state == "finished" else {},
        step=max(steps, default=0),
        curves=curves,
        pictures={plot: shot[-1][1] for plot, shot in shots.items()},
        copies=_copies(folder / "evolution.json"),
        has_report=(folder / "report.html").exists(),
    )


def _state(folder: Path, has_results: bool, busy: bool) -> tuple[str, str]:
    """State and note of a trial.

    Args:
      folder: of the trial, which need not exist.
      has_results: whether it has results of its last round.
      busy: whether a process works on the sweep.
    """
    state = state_in(folder, has_results)
    if state == "pruned":
        pruned = content_of(folder / "pruned.json", dict)
        name = str(pruned.get("target", "")).removeprefix("-")
        value = f"{_number(pruned.get('value')):.5g}"
        return state, f"after {pruned.get('step')} rounds, at {name} = {value}"
    if state == "failed":
        reason = (folder / "failed.txt").read_text("utf-8", errors="replace").strip()
        return state, reason or NO_REASON
    if state == "finished":
        return state, ""
    if not (folder / "config.json").exists():
        return "waiting", ""
    return ("running", "") if busy or in_use(folder) else ("stopped", "")


def _evaluation(config: Any, curves: list[Curve], target: str) -> dict[str, float]:
    """The target's last evaluation under its name and split; empty where there is none."""
    section = config.get("eval") if isinstance(config, dict) else None
    split = section.get("split") if isinstance(section, dict) else None
    for curve in curves:
        if curve.split == split and target == curve.name:
            values = dict(zip(curve.steps, curve.values, strict=True))
            last = max([*curve.steps, *curve.broken])
            return {f"{target} on {split}": values.get(last, math.nan)}
    return {}


def _flat(results: dict[str, Any]) -> dict[str, float]:
    try:
        return {name: _number(value) for name, value in flat_values(results).items()}
    except (KeyError, TypeError, AttributeError):  # written by something else
        return {}


def _copies(path: Path) -> list[dict[str, Any]]:
    return sorted(
        (
            copy
            for copy in content_of(path, list)
            if isinstance(copy, dict) and isinstance(copy.get("step"), int)
        ),
        key=lambda copy: copy["step"],
    )


def content_of(path: Path, kind: type) -> Any:
    """What a JSON file of a trial holds; empty where it is missing, cut or of another kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return kind()
    return content if isinstance(content, kind) else kind()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
