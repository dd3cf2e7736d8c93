"""Runs side by side in a terminal: what they differ in, and what came out."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.metrics.measurement import flat_name
from genlab.process.duration import told
from genlab.reporting import outcome, overview
from genlab.reporting.run import Run, read_run
from genlab.trials.table import in_columns
from genlab.values import flat_keys

_UNLIKE = "measured unlike"  # the last column, where any values are


def compared(folders: Sequence[Path]) -> dict[str, dict[str, list[Any]]]:
    """What runs differ in, and their results side by side.

    Args:
      folders: of the runs.

    Returns:
      `runs` (state, rounds, time), `config` (keys with other values) and `results`, each name -> what
      every run has there, None where it has nothing. A result is a dict of `value`, `interval` and
      `split`, and of `unlike`: keys of the protocol that are not the same in all runs that have it.

    Raises:
      InputError: a folder that is no run's, or one given twice.
    """
    names = [os.path.abspath(folder) for folder in folders]
    if twice := [
        str(f) for f, n in zip(folders, names, strict=True) if names.count(n) > 1
    ]:
        raise InputError(f"{twice[0]!r} is given twice")
    runs = [read_run(folder) for folder in folders]
    about = [
        overview.row_of(folder, run, overview.in_busy_sweep(folder))
        for folder, run in zip(folders, runs, strict=True)
    ]
    configs = [flat_keys(run.record["config"]) for run in runs]
    results = [_results(run) for run in runs]
    return {
        "runs": {
            "experiment": [row.experiment for row in about],
            "state": [row.state for row in about],
            "rounds": [row.step for row in about],
            "seconds": [row.seconds for row in about],
        },
        "config": {
            key: values
            for key, values in _side_by_side(configs).items()
            if any(value != values[0] for value in values)
        },
        "results": {
            key: _with_unlike(values) for key, values in _side_by_side(results).items()
        },
    }


def _side_by_side(tables: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return {key: [table.get(key) for table in tables] for key in keys}


def _results(run: Run) -> dict[str, dict[str, Any]]:
    """The measured values of a run by flat name, each with its protocol."""
    found = {}
    for metric in outcome.metrics_of(run):
        for value in metric.all:
            found[flat_name(metric.name, value.name)] = {
                "value": value.value,
                "interval": value.interval,
                "split": metric.split,
                "protocol": dict(metric.protocol),
            }
    return found


def _with_unlike(values: list[dict[str, Any] | None]) -> list[dict[str, Any] | None]:
    """The results with the keys of their protocols that differ in the place of the protocols."""
    protocols = [flat_keys(value["protocol"]) for value in values if value]
    unlike = [
        key
        for key, known in _side_by_side(protocols).items()
        if any(one != known[0] for one in known)
    ]
    kept = ("value", "interval", "split")
    return [
        value and {k: value[k] for k in kept} | {"unlike": unlike} for value in values
    ]


def render(folders: Sequence[Path], found: dict[str, dict[str, list]]) -> str:
    """The comparison as tables, a column for each run."""
    paths = [os.path.abspath(folder) for folder in folders]
    names = [os.path.relpath(path, os.path.commonpath(paths)) for path in paths]
    told_of: dict[str, Callable[[Any], str]] = {
        "seconds": lambda seconds: "" if seconds is None else told(seconds),
        "rounds": "{:,}".format,
    }
    parts = []
    for title, table in found.items():
        rows = [
            [key, *(told_of.get(key, _shown)(v) for v in values), _unlike_in(values)]
            for key, values in table.items()
        ]
        nothing = "no key differs" if title == "config" else "none yet"
        shown = in_columns([title, *names, _UNLIKE], rows, optional=(_UNLIKE,))
        parts.append(shown if rows else f"{title}: {nothing}")
    return "\n\n".join(parts)


def _unlike_in(values: list[Any]) -> str:
    """What a row of results was measured unlike in; nothing for another row."""
    results = (v for v in values if isinstance(v, dict) and "unlike" in v)
    return ", ".join(next(results, {}).get("unlike", ()))


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict) and "unlike" in value:
        return overview.number(value["value"], value["interval"])
    return str(value)
