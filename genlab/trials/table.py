"""The sweep as a table: one row a trial, and the best of them as a command."""

import csv
import io
import logging
import math
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from genlab.errors import NoneFinished
from genlab.metrics.measurement import Measurement, in_series, values_of
from genlab.storage.files import write_atomic
from genlab.trials import failure
from genlab.trials.pruned import is_pruned
from genlab.trials.tail import Evaluations, loss_of
from genlab.trials.trial import Trial

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}

_log = logging.getLogger("genlab")


def rows(trials: list[Trial], sweep: Path) -> list[dict[str, object]]:
    """One dict a trial: its name, state, overrides and measured values."""
    table = []
    for trial in trials:
        row: dict[str, object] = {"trial": trial.name, "state": state_of(trial, sweep)}
        row |= trial.overrides
        table.append(row | measured(trial, sweep))
    return table


def in_latex(text: str) -> str:
    """A text, of whoever made a run, as LaTeX shows it; no sign in it is a command."""
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))


def measured(trial: Trial, sweep: Path) -> dict[str, float | None]:
    """The values of a trial's results by flat name; empty for one that has not finished."""
    results = trial.results(sweep)
    return {} if results is None else flat_values(results)


def flat_values(results: dict[str, Any]) -> dict[str, float | None]:
    """The values of a `results.json` by flat name."""
    return _flat(results, "values")


def flat_margins(results: dict[str, Any]) -> dict[str, float]:
    """Half the 95 % interval over the examples of each value that has one, by flat name."""
    intervals = _flat(results, "intervals")
    return {name: (high - low) / 2 for name, (low, high) in intervals.items()}


def _flat(results: dict[str, Any], what: str) -> dict[str, Any]:
    return values_of(
        {
            # Results that are older than intervals have none.
            name: Measurement(result.get(what, {}), result["protocol"])
            for name, result in results["metrics"].items()
        }
    )


def is_chosen(folder: Path) -> bool:
    """Whether the trial in a folder was stopped as a loser, or copies another that was better."""
    return is_pruned(folder) or (folder / "evolution.json").exists()


def state_of(trial: Trial, sweep: Path) -> str:
    """`finished`, `pruned` (stopped as a loser), `failed`, or `unfinished`."""
    return state_in(trial.folder(sweep), trial.results(sweep) is not None)


def state_in(folder: Path, has_results: bool) -> str:
    """The state of the trial in a folder, which may have results of its last round."""
    if is_pruned(folder):
        return "pruned"
    if has_results:
        return "finished"
    return "failed" if (folder / failure.FILE).exists() else "unfinished"


def reached(trial: Trial, sweep: Path, target: str) -> float | None:
    """The target's last evaluation on `eval.split`, by which trials are chosen.

    The results, on `eval.final_split`, are for reports: the best of many trials by them would look
    better than it is.

    Returns:
      None for a trial that has not finished, or where the value was not finite.

    Raises:
      InputError: the target is not among what the trial measures.
    """
    if state_of(trial, sweep) != "finished":
        return None
    *_, (_, value) = (0, math.nan), *Evaluations(trial, sweep, target).new()
    return value if math.isfinite(value) else None


def best_of(
    trials: list[Trial], sweep: Path, target: str
) -> tuple[Trial, float] | None:
    """The finished trial that `reached` the least, or the most for `-NAME`; None without one.

    Returns:
      The trial, and the target's value.

    Raises:
      InputError: the target is not among what a trial measured.
    """
    values = [(trial, reached(trial, sweep, target)) for trial in trials]
    known = [(trial, value) for trial, value in values if value is not None]
    return min(known, key=lambda pair: loss_of(pair[1], target), default=None)


def write_csv(trials: list[Trial], sweep: Path) -> Path:
    """Writes `results.csv` in the folder of the sweep."""
    table = rows(trials, sweep)
    columns = list(dict.fromkeys(key for row in table for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(table)
    path = sweep / "results.csv"
    write_atomic(path, text.getvalue())
    return path


def render(trials: list[Trial], sweep: Path) -> str:
    """The table as aligned text, values to four digits, without long series of numbered ones."""
    table = rows(trials, sweep)
    names = dict.fromkeys(name for row in table for name in row)
    kept = {part[0] for part in in_series(names) if len(part) == 1}
    return aligned([{n: v for n, v in row.items() if n in kept} for row in table])


def tell_failures(trials: list[Trial], sweep: Path) -> None:
    """Says how many trials failed, why and where.

    Raises:
      NoneFinished: no other trial has results.
    """
    states = {trial.folder(sweep): state_of(trial, sweep) for trial in trials}
    failed = [folder for folder, state in states.items() if state == "failed"]
    reasons: dict[str, list[Path]] = {}
    for folder in failed:
        reasons.setdefault(failure.recorded(folder), []).append(folder)
    count = f"{len(failed)} of {len(trials)} trials failed"
    for reason, folders in reasons.items():
        others = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
        _log.warning("%s: %s (%s%s)", count, reason, folders[0], others)
    if failed and {*states.values()} <= {"failed", "pruned"}:
        raise NoneFinished(f"no trial finished, {count}: {next(iter(reasons))}")


def aligned(table: list[dict[str, object]]) -> str:
    """A line for each row, below one of their keys."""
    head = list(dict.fromkeys(key for row in table for key in row))
    return in_columns(head, [[row.get(key, "") for key in head] for row in table])


def in_columns(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    optional: Container[str] = (),
    width: int | None = None,
) -> str:
    """Aligned text.

    Args:
      head: what the columns are called; two may be called the same.
      rows: a cell for each column.
      optional: names of columns that are left out where no row has anything in them.
      width: characters of a line, None for as many as there are.
    """
    lines = [head, *([_shown(cell) for cell in row] for row in rows)]
    columns = [
        column
        for column in zip(*lines, strict=True)
        if any(column[1:]) or column[0] not in optional
    ]
    widths = [max(map(len, column)) for column in columns]
    cut = (
        "  ".join(map(str.ljust, line, widths))[:width]
        for line in zip(*columns, strict=True)
    )
    return "\n".join(map(str.rstrip, cut))


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
