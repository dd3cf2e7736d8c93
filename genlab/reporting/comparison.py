"""Runs side by side in a terminal: what they differ in, and what came out."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.metrics.measurement import OWN, flat_name
from genlab.process.duration import told
from genlab.reporting import outcome, overview
from genlab.reporting.run import Run, read_run
from genlab.trials import manifest
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
      `split`, and of `unlike`: what its protocol says otherwise than those of the other runs, key ->
      what it says. Values that were measured unlike are not given, since they are not comparable.

    Raises:
      InputError: a folder that is no run's, or one given twice.
    """
    names = [os.path.abspath(folder) for folder in folders]
    if twice := [
        str(f) for f, n in zip(folders, names, strict=True) if names.count(n) > 1
    ]:
        raise InputError(f"{twice[0]!r} is given twice")
    for folder in folders:
        if os.path.isfile(os.path.join(folder, manifest.FILE)):
            raise InputError(
                f"{str(folder)!r} is a sweep, whose report.html compares its trials; name folders of runs, such as"
                f" {folder!s}/*/"
            )
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
    found, examples = {}, _examples(run)
    for metric in outcome.metrics_of(run):
        for value in metric.all:
            found[flat_name(metric.name, value.name)] = {
                "value": value.value,
                "interval": value.interval,
                "split": metric.split,
                "protocol": {"split": metric.split, **examples, **metric.protocol},
            }
    return found


def _examples(run: Run) -> dict[str, Any]:
    """What the examples were that a run was measured on: its data by checksum, and what became of them."""
    config, data = run.record["config"].get("data"), run.record.get("data")
    chosen = config if isinstance(config, dict) else {}
    known = data.get("fingerprint") if isinstance(data, dict) else None
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:8]
    prepared = {key: chosen.get(key) for key in ("binarize", "degrade")}
    return {"data": f"{run.fact('name')} {digest}" if known else None, **prepared}


def _with_unlike(values: list[dict[str, Any] | None]) -> list[dict[str, Any] | None]:
    """The results with what differs in their protocols in the place of these, and of the values."""
    protocols = [flat_keys(value["protocol"]) if value else {} for value in values]
    there = [protocol for protocol in protocols if protocol]
    unlike = [
        key
        for key, known in _side_by_side(there).items()
        if key.partition(".")[0] not in OWN and any(one != known[0] for one in known)
    ]
    return [
        value
        and {
            "value": None if unlike else value["value"],
            "interval": None if unlike else value["interval"],
            "split": value["split"],
            "unlike": {key: protocol.get(key) for key in unlike},
        }
        for value, protocol in zip(values, protocols, strict=True)
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
    found = [v["unlike"] for v in values if isinstance(v, dict) and "unlike" in v]
    keys = found[0] if found else ()
    told = (f"{key} ({', '.join(str(one[key]) for one in found)})" for key in keys)
    return ", ".join(told)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict) and "unlike" in value:
        refused = "refused" if value["unlike"] else None
        return refused or overview.number(value["value"], value["interval"])
    return str(value)
