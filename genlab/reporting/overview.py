"""The run folders that there are, as a table in a terminal."""

import dataclasses
import functools
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from genlab.errors import InputError
from genlab.metrics.measurement import flat_name
from genlab.process.duration import told
from genlab.reporting import outcome
from genlab.reporting.run import Run, read_run
from genlab.reporting.trial import seconds_of, standing
from genlab.run.folder import in_use
from genlab.storage import sidefile
from genlab.trials import failure
from genlab.trials.manifest import FILE as SWEEP
from genlab.trials.table import aligned

# Files that a run writes while it trains, and at its end.
_WRITTEN = ("config.json", "metrics.jsonl", "results.json", failure.FILE)


@dataclasses.dataclass(frozen=True)
class Row:
    """One run folder, or one of a sweep, whose trials are one row.

    Attributes:
      folder: as it was reached.
      experiment: name of the family, or of the config of a sweep.
      state: `running`, `finished`, `stopped`, `failed`, `pruned`, or `damaged` where it cannot be
        read; of a sweep how many of its trials have results.
      note: why it failed or cannot be read, or where it was pruned.
      step, planned: rounds done, and in all where that is known.
      written: seconds since 1970 of the last file that it wrote.
      seconds: that its rounds took, where known.
      value, interval, name, split: the number that stands for the run, its 95 % interval over the
        examples, what it is, and what it was measured on.
    """

    folder: str
    experiment: str
    state: str
    note: str = ""
    step: int = 0
    planned: int | None = None
    written: float = 0.0
    seconds: float | None = None
    value: float | None = None
    interval: list[float] | None = None
    name: str = ""
    split: str = ""


def rows(folder: Path) -> list[Row]:
    """The run folders in a folder, those written last first; of a sweep in it one row.

    Raises:
      InputError: no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r}; `genlab runs FOLDER`")
    busy = functools.cache(_is_busy_sweep)
    found = [_row(place, busy(place.absolute().parent)) for place in _places(folder)]
    if not found:
        raise InputError(f"no run in {str(folder)!r}: no folder has a config.json")
    return sorted(found, key=lambda row: -row.written)


def _places(folder: Path) -> Iterable[Path]:
    """The folders of runs and of sweeps at and below a folder, links aside."""
    for home, inside, files in os.walk(folder):
        place = Path(home)
        if "config.json" in files or (SWEEP in files and place != folder):
            inside.clear()
            yield place


def in_busy_sweep(folder: Path) -> bool:
    """Whether it is one of a sweep's that a process works on: members have no process of their own."""
    return _is_busy_sweep(folder.absolute().parent)


def row_of(folder: Path, run: Run, busy: bool) -> Row:
    """What there is to say of a run.

    Args:
      folder: of the run.
      run: what the folder holds.
      busy: whether it lies `in_busy_sweep`.
    """
    results = run.results or {}
    has_results = run.results is not None and run.planned_steps in (
        None,
        results["step"],
    )
    state, note = standing(folder, has_results, busy)
    row = Row(
        folder=str(folder),
        experiment=experiment_of(run),
        state=state,
        note=note,
        step=run.step,
        planned=run.planned_steps,
        written=_written(folder),
        seconds=seconds_of(run.curves, run.record, results.get("measured")),
    )
    headline = outcome.headline(run, outcome.metrics_of(run))
    if headline is None:
        return row
    metric, value = headline
    name = flat_name(metric.name, value.name)
    measured = dict(value=value.value, interval=value.interval, split=metric.split)
    return dataclasses.replace(row, name=name, **measured)


def _row(folder: Path, busy: bool) -> Row:
    """What there is to say of one folder, of a run or a sweep."""
    if not (folder / "config.json").exists():
        return _sweep(folder)
    try:
        return row_of(folder, read_run(folder), busy)
    except InputError as error:
        about = dict(note=str(error), written=_written(folder))
        return Row(str(folder), "", "damaged", **about)


def _is_busy_sweep(folder: Path) -> bool:
    return (folder / SWEEP).is_file() and in_use(folder)


def _written(folder: Path) -> float:
    """Seconds since 1970 of the last file that a run wrote."""
    ages = [path.stat().st_mtime for n in _WRITTEN if (path := folder / n).is_file()]
    return max(ages, default=0.0)


def _sweep(folder: Path) -> Row:
    """What a sweep's own file says, and how many of its trials have results."""
    about = sidefile.read_object(folder / SWEEP) or {}
    trials = about.get("trials")
    names = [path.parent for path in folder.glob("*/config.json")]
    done = sum((name / "results.json").exists() for name in names)
    count = max(len(trials) if isinstance(trials, list) else 0, len(names))
    return Row(
        folder=str(folder),
        experiment=str(about.get("config", "")),
        state=f"sweep, {done} of {count} finished",
        written=(folder / SWEEP).stat().st_mtime,
    )


def experiment_of(run: Run) -> str:
    """The name of a run's family."""
    part = run.record["config"].get("experiment")
    return str(part.get("name", "")) if isinstance(part, dict) else str(part or "")


def render(found: Sequence[Row]) -> str:
    """The rows as a table."""
    now = time.time()
    return aligned([_cells(row, now) for row in found])


def _cells(row: Row, now: float) -> dict[str, object]:
    rounds = f"{row.step:,}" + (f" of {row.planned:,}" if row.planned else "")
    return {
        "run": row.folder,
        "experiment": row.experiment,
        "state": row.state,
        "rounds": rounds if row.planned or row.step else "",
        "written": f"{told(max(0.0, now - row.written))} ago",
        "trained": "" if row.seconds is None else told(row.seconds),
        "result": f"{row.name} {number(row.value, row.interval)}" if row.name else "",
        "of": row.split if row.name else row.note,
    }


def number(value: float | None, interval: Sequence[float] | None = None) -> str:
    """A value to four digits with its interval, `0.953 [0.941, 0.964]`."""
    if value is None:
        return "not finite"
    ends = "" if interval is None else f" [{interval[0]:.4g}, {interval[1]:.4g}]"
    return f"{value:.4g}{ends}"
