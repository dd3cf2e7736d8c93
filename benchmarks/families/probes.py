"""What the codes of every family tell of the class, side by side: the probes of their sweeps."""

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.families.family import Family

PROBES = ("linear", "knn_20", "few_labels")
BASELINES = ("untrained", "raw", "pca")


def of(sweeps: Sequence[tuple[Family, Path]], out: Path) -> str:
    """A table in Markdown: a row a family, means over its seeds with Student's 95 % intervals in per cent.

    Columns are the probes of the codes, then the linear probe of an untrained encoder, of raw examples and of
    as many principal components; a star is that of `genlab probe`.

    Args:
      sweeps: the families and the folders of their trials.
      out: where `probes.csv`, `probes.tex` and `probes.png` are written.
    """
    trials = {
        family.name: sorted(path.parent for path in sweep.glob("*/results.json"))
        for family, sweep in sweeps
    }
    folders = [str(folder) for found in trials.values() for folder in found]
    command = [sys.executable, "launch.py", "probe", *folders]
    subprocess.check_call(
        [*command, f"--probes={','.join(PROBES)}", f"--out={out / 'probes'}"],
        stdout=subprocess.DEVNULL,
    )
    with open(out / "probes.csv") as file:
        rows = list(csv.DictReader(file))
    return table(rows, {family.name: family.told() for family, _ in sweeps})


def table(rows: Sequence[dict[str, str]], told: dict[str, str]) -> str:
    """The lines of `probes.csv` as a table; those of single runs where a family has one seed.

    Args:
      rows: of runs called FAMILY/TRIAL, and their means over seeds, called FAMILY (N seeds).
      told: family -> its recipe and overrides.
    """
    found: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    of_mean: dict[str, bool] = {}
    for row in rows:
        mean = row["run"].endswith(" seeds)")
        family = row["run"].partition(" (")[0].partition("/")[0]
        if mean >= of_mean.get(family, False):  # the means come last
            if mean > of_mean.get(family, False):
                found[family] = {}
            of_mean[family] = mean
            found.setdefault(family, {})[row["features"], row["probe"]] = row
    probes = list(
        dict.fromkeys(
            probe
            for values in found.values()
            for features, probe in values
            if features == "codes"
        )
    )
    head = ["family", "command", "code", *probes]
    head += [f"{name}, linear" for name in BASELINES]
    lines = [head, ["---"] * len(head)]
    for family, values in found.items():
        cells = [_shown(values.get(("codes", probe))) for probe in probes]
        cells += [_shown(values.get((name, "linear"))) for name in BASELINES]
        width = next(
            row["width"] for (name, _), row in values.items() if name == "codes"
        )
        lines.append([family, f"`{told[family]}`", width, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shown(row: dict[str, str] | None) -> str:
    if row is None:
        return ""
    star = "*" if len(row["beats"].split()) == len(BASELINES) else ""
    value = f"{100 * float(row['value']):.1f}{star}"
    if not row["low"]:
        return value
    low, high = (100 * float(row[end]) for end in ("low", "high"))
    return f"{value} ({low:.1f} to {high:.1f})"
