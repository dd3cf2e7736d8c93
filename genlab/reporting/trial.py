"""One trial of a sweep as its folder stands, whoever wrote it and however far it came."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genlab.metrics.measurement import Measurement, values_of
from genlab.reporting.markup import seconds_between
from genlab.reporting.outcome import split_of
from genlab.reporting.run import (
    Curve,
    find_pictures,
    planned_steps,
    read_metrics,
    training_seconds,
)
from genlab.run.folder import are_results, in_use
from genlab.storage import sidefile
from genlab.storage.sidefile import is_number_or_none
from genlab.trials import failure
from genlab.trials.table import flat_margins, flat_values, state_in


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
      splits: flat name -> what the value was measured on, where something says so.
      margins: flat name -> half the 95 % interval of a value over the examples, where known.
      step: the last round that any file speaks of.
      curves: its logged values.
      pictures: plot -> its newest picture.
      measured: when its results were written, as files have dates; None where unknown.
      seconds: that its rounds took, or from its beginning to its results where no speed was logged,
        as in a population, whose members train together; None where unknown.
      copies: what it took over from other members, in ascending order of `step`:
        {"step": int, "from": name, "knobs": {dotted key: value}}.
      has_report: whether its folder holds a page of its own.
    """

    name: str
    overrides: dict[str, Any]
    state: str
    note: str
    values: dict[str, float]
    splits: dict[str, str]
    margins: dict[str, float]
    step: int
    curves: list[Curve]
    pictures: dict[str, Path]
    measured: str | None
    seconds: float | None
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
    results = sidefile.read(folder / "results.json", are_results) or {}
    record = content_of(folder / "config.json", dict)
    config = record.get("config")
    steps = [step for curve in curves for step in (*curve.steps, *curve.broken)]
    steps += [step for shot in shots.values() for step, _ in shot]
    steps += [results["step"]] if results else []
    planned = planned_steps(config) if isinstance(config, dict) else None
    has_results = bool(results) and planned in (None, results.get("step"))
    state, note = standing(folder, has_results, busy)
    found = flat_values(results) if results else {}
    values = _evaluation(config, curves, target)
    values |= {name: _number(value) for name, value in found.items()}
    measured = results.get("measured")
    return TrialRecord(
        name=folder.name,
        overrides=overrides,
        state=state,
        note=note,
        values=values if state == "finished" else {},
        splits=_splits(results, config) if results else {},
        margins=flat_margins(results) if state == "finished" else {},
        step=max(steps, default=0),
        curves=curves,
        pictures={plot: shot[-1][1] for plot, shot in shots.items()},
        measured=measured if isinstance(measured, str) else None,
        seconds=seconds_of(curves, record, measured),
        copies=_copies(folder / "evolution.json"),
        has_report=(folder / "report.html").exists(),
    )


def seconds_of(
    curves: list[Curve], record: dict[str, Any], measured: Any
) -> float | None:
    """Seconds that a run's rounds took, or else from its beginning, by its record, to its results."""
    trained = training_seconds(curves)
    return (
        seconds_between(record.get("began"), measured) if trained is None else trained
    )


def standing(folder: Path, has_results: bool, busy: bool) -> tuple[str, str]:
    """State and note of a trial, or of a run.

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
        return state, failure.recorded(folder)
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


def _splits(results: dict[str, Any], config: Any) -> dict[str, str]:
    found = {
        name: Measurement(dict.fromkeys(record["values"], split_of(record, config)), {})
        for name, record in results["metrics"].items()
    }
    return {name: split for name, split in values_of(found).items() if split}


def _copies(path: Path) -> list[dict[str, Any]]:
    return sorted(content_of(path, list, _are_copies), key=lambda copy: copy["step"])


def _are_copies(content: list[Any]) -> bool:
    return all(
        isinstance(copy["step"], int) and isinstance(copy.get("knobs", {}), dict)
        for copy in content
    )


def content_of(
    path: Path, kind: type, is_whole: Callable[[Any], bool] = lambda content: True
) -> Any:
    """What a JSON file of a trial holds; empty where it is missing, or damaged, which is said."""

    def fits(content: Any) -> bool:
        return isinstance(content, kind) and is_whole(content)

    found = sidefile.read(path, fits)
    return kind() if found is None else found


def _number(value: Any) -> float:
    known = value is not None and is_number_or_none(value)
    return float(value) if known else math.nan
