"""The rows of a comparison, read from sweeps."""

import csv
import json
import time
from pathlib import Path

import jax

import genlab
from benchmarks.families.family import Family
from genlab.statistics import summarize

SAMPLES = 100
FLOOR = "_floor"  # ends the name of a value of real examples
DONE = "done.json"  # flags and seconds of a sweep that came to its end
# Metric or value -> what the table calls it; others are left out.
COLUMNS = {
    "mode_coverage/modes_reached": "modes with a sample",
    "mode_coverage/modes_covered": "modes with a fifth of their share",
    "mode_coverage/high_quality_share": "within 3 sd",
    "mode_coverage/reverse_kl": "reverse KL, nats",
    "log_density/kl": "KL to the truth, nats",
    "log_density/bits_per_dimension": "bits per dimension",
    "frechet": "Frechet distance",
    "precision_recall/precision": "precision",
    "precision_recall/recall": "recall",
    "linear_probe/accuracy_codes": "linear probe",
    "linear_probe/accuracy_raw": "of raw pixels",
}


def of(sweeps: list[tuple[Family, Path]]) -> str:
    """A table in Markdown: means over the seeds with Student's 95 % intervals, real examples first."""
    rows = [(family, _values(path), _size(path)) for family, path in sweeps]
    floors = next(filter(None, (_values(path, FLOOR) for _, path in sweeps)), {})
    shown = {column for _, values, _ in rows for column in values}
    names = [column for column in COLUMNS.values() if column in shown]
    head = ["family", "command", "seeds", "example", *names, "parameters"]
    head += [f"{SAMPLES:,} samples", "sweep"]
    lines = [_line(head), _line(["---"] * len(head))]
    if floors:
        cells = [_told(floors.get(name, [])) for name in names]
        lines.append(_line(["real examples", "", "", "", *cells, "", "", ""]))
    for (family, values, (shape, count, drawn)), (_, path) in zip(
        rows, sweeps, strict=True
    ):
        cells = [_told(values.get(name, [])) for name in names]
        parameters = f"{count:,}" if count else ""
        drawing = f"{drawn:.2f} s" if drawn else ""
        lines.append(
            _line(
                [family.name, f"`{family.told()}`", _seeds(values), shape]
                + [*cells, parameters, drawing]
                + [_seconds(path)]
            )
        )
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _values(sweep: Path, suffix: str = "") -> dict[str, list[float]]:
    """Measured value by the table's name -> one number a seed; with FLOOR those of real examples."""
    path = sweep / "results.csv"
    if not path.exists():
        return {}
    with open(path) as file:
        rows = [row for row in csv.DictReader(file) if row["state"] == "finished"]
    found: dict[str, list[float]] = {}
    for name in rows[0] if rows else ():
        column = _column(name.removesuffix(suffix)) if name.endswith(suffix) else ""
        if column and column not in found:
            found[column] = [float(row[name]) for row in rows if row[name]]
    return found


def _column(name: str) -> str:
    """What the table calls a value; empty for floors and what else it leaves out."""
    if name.endswith((FLOOR, "_at")):
        return ""
    return COLUMNS.get(name, COLUMNS.get(name.partition("/")[0], ""))


def _told(values: list[float]) -> str:
    if not values:
        return ""
    return str(summarize(values))


def _size(sweep: Path) -> tuple[str, int, float]:
    """Shape of an example, parameters of the first trial, seconds in which it draws SAMPLES, compiled."""
    trials = sorted(path.parent for path in sweep.glob("*/results.json"))
    if not trials:
        return "", 0, 0.0
    run = genlab.open(trials[0])
    count = sum(leaf.size for leaf in jax.tree.leaves(run.params))
    run.sample(SAMPLES)
    began = time.perf_counter()
    run.sample(SAMPLES, seed=1)
    seconds = time.perf_counter() - began
    shape = " x ".join(map(str, run.trained.data.example_shape))
    return shape, count, seconds


def _seconds(sweep: Path) -> str:
    path = sweep / DONE
    if not path.exists():
        return "failed"
    return f"{json.loads(path.read_text())['seconds']:.0f} s"


def _seeds(values: dict[str, list[float]]) -> str:
    """How many were measured."""
    return str(max(map(len, values.values()), default=0))
