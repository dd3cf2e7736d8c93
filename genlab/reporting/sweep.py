"""A sweep folder as its files stand: finished, running, cut, with trials that never began."""

import dataclasses
import json
import math
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.reporting.run import Curve, find_pictures, planned_steps, read_metrics
from genlab.run import in_use
from genlab.sweep.manifest import FILE, Manifest, read
from genlab.sweep.table import flat_values

STATES = ("finished", "running", "waiting", "stopped", "pruned", "failed")
ENDED = ("finished", "pruned", "failed")
NO_REASON = "no reason given"


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """What the folder of one trial holds.

    Attributes:
      name: of the trial and its folder.
      overrides: dotted key -> value, as the sweep set it.
      state: one of STATES; `stopped` has begun, has not ended, and nobody works on it.
      note: why it failed, or where and at which value it was pruned.
      values: flat name -> measured value of a finished trial, NaN where it was not finite.
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


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What a sweep folder holds.

    Attributes:
      name: the folder's name.
      manifest: sweep.json.
      target: name of the value that the sweep is about, or else that the config calls best; ""
        where there is neither.
      maximize: whether the target is better where it is larger.
      trials: in the order of sweep.json.
    """

    name: str
    manifest: Manifest
    target: str
    maximize: bool
    trials: list[TrialRecord]

    @property
    def counts(self) -> dict[str, int]:
        """State -> number of trials, in the order of STATES, without those of none."""
        found = Counter(trial.state for trial in self.trials)
        return {state: found[state] for state in STATES if found[state]}

    @property
    def value_names(self) -> list[str]:
        """Every measured value, the target first, the others in order of first appearance."""
        names = dict.fromkeys(name for trial in self.trials for name in trial.values)
        return sorted(names, key=lambda name: name != self.target)

    def ranked(self) -> list[int]:
        """Indices of the trials, best first by the target, those without one last, in order."""
        sign = -1 if self.maximize else 1

        def rank(index: int) -> tuple[bool, float]:
            value = self.trials[index].values.get(self.target, math.nan)
            known = math.isfinite(value)
            return not known, sign * value if known else 0.0

        return sorted(range(len(self.trials)), key=rank)

    def command(self, trial: TrialRecord) -> str:
        """The command that trains a trial's config alone, quoted for a shell."""
        overrides = {**self.manifest.common, **trial.overrides}
        flags = [f"--config={self.manifest.config}"]
        flags += [f"--config.{key}={_flag(value)}" for key, value in overrides.items()]
        return shlex.join(["python", "launch.py", *flags])


def read_sweep(folder: Path) -> Sweep:
    """Reads a sweep folder; trials without a folder, or with files cut short, are part of it.

    Raises:
      InputError: the folder has no sweep.json, or it is not what a sweep writes.
    """
    folder = Path(folder)
    manifest = read(folder)
    if manifest is None:
        raise InputError(
            f"no {FILE} in {str(folder)!r}: name the folder of a sweep, as given by"
            " --workdir when it was started"
        )
    for entry in manifest.trials:
        if not _is_trial(entry):
            raise InputError(
                f"{folder / FILE} lists {entry!r}, which is no trial; one is"
                ' {"name": FOLDER, "overrides": {KEY: VALUE}}'
            )
    busy = in_use(folder)
    target = manifest.target or _best(folder, manifest)
    return Sweep(
        name=folder.resolve().name,
        manifest=manifest,
        target=target.removeprefix("-"),
        maximize=target.startswith("-"),
        trials=[
            _read_trial(folder / entry["name"], entry["overrides"], busy)
            for entry in manifest.trials
        ],
    )


def _best(folder: Path, manifest: Manifest) -> str:
    """What the trials' config calls best, by the first of them that has begun."""
    for entry in manifest.trials:
        config = _content(folder / entry["name"] / "config.json", dict).get("config")
        if isinstance(config, dict) and isinstance(config.get("eval"), dict):
            return config["eval"].get("best") or ""
    return ""


def _is_trial(entry: Any) -> bool:
    """Whether it has overrides and a name that cannot lead out of the sweep's folder."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("overrides"), dict)
        and isinstance(entry.get("name"), str)
        and entry["name"] not in ("", ".", "..")
        and Path(entry["name"]).name == entry["name"]
    )


def _read_trial(folder: Path, overrides: dict[str, Any], busy: bool) -> TrialRecord:
    curves, _ = read_metrics(folder / "metrics.jsonl")
    shots = find_pictures(folder / "samples")
    results = _content(folder / "results.json", dict)
    config = _content(folder / "config.json", dict).get("config")
    steps = [step for curve in curves for step in (*curve.steps, *curve.broken)]
    steps += [step for shot in shots.values() for step, _ in shot]
    steps += [results["step"]] if isinstance(results.get("step"), int) else []
    planned = planned_steps(config) if isinstance(config, dict) else None
    finished = (
        bool(results)
        and planned in (None, results.get("step"))
        and not (folder / "pruned.json").exists()
    )
    state, note = ("finished", "") if finished else _unfinished(folder, busy)
    return TrialRecord(
        name=folder.name,
        overrides=overrides,
        state=state,
        note=note,
        values=_flat(results) if finished else {},
        step=max(steps, default=0),
        curves=curves,
        pictures={plot: shot[-1][1] for plot, shot in shots.items()},
        copies=_copies(folder / "evolution.json"),
        has_report=(folder / "report.html").exists(),
    )


def _unfinished(folder: Path, busy: bool) -> tuple[str, str]:
    """State and note of a trial that has no results for all its rounds.

    Args:
      folder: of the trial, which need not exist.
      busy: whether a process works on the sweep.
    """
    pruned = _content(folder / "pruned.json", dict)
    if (folder / "pruned.json").exists():
        name = str(pruned.get("target", "")).removeprefix("-")
        value = f"{_number(pruned.get('value')):.5g}"
        return "pruned", f"after {pruned.get('step')} rounds, at {name} = {value}"
    if (folder / "failed.txt").exists():
        reason = (folder / "failed.txt").read_text("utf-8", errors="replace").strip()
        return "failed", reason or NO_REASON
    if not (folder / "config.json").exists():
        return "waiting", ""
    return ("running", "") if busy or in_use(folder) else ("stopped", "")


def _flat(results: dict[str, Any]) -> dict[str, float]:
    try:
        return {name: _number(value) for name, value in flat_values(results).items()}
    except (KeyError, TypeError, AttributeError):  # written by something else
        return {}


def _copies(path: Path) -> list[dict[str, Any]]:
    return sorted(
        (
            copy
            for copy in _content(path, list)
            if isinstance(copy, dict) and isinstance(copy.get("step"), int)
        ),
        key=lambda copy: copy["step"],
    )


def _content(path: Path, kind: type) -> Any:
    """What a JSON file of a trial holds; empty where it is missing, cut or of another kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return kind()
    return content if isinstance(content, kind) else kind()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _flag(value: Any) -> str:
    """A value as the command line spells it; a tuple comes back from JSON as a list."""
    return str(tuple(value)) if isinstance(value, list) else str(value)
