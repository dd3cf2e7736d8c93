"""ROC-AUC of outlier scores over held-out classes and seeds, as one table of many runs."""

import csv
import io
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.reporting.knobs import differing_knobs, setting
from genlab.reporting.run import Run, read_run
from genlab.statistics import standard_error
from genlab.trials.manifest import FILE as SWEEP
from genlab.trials.table import in_columns, in_latex
from genlab.values import flat_keys

METRIC, PREFIX = "outliers", "roc_auc_"

_log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Row:
    """One score of one recipe.

    Attributes:
      recipe: the family, or the sweep that its runs are trials of, and what it differs in from others of
        that name.
      score: `reconstruction`, `bound`, ...
      classes, seeds: how many were held out in turn, and how often each at most.
      mean: of the classes' means over seeds.
      error_classes: standard error of the mean over the classes; None of one.
      error_seeds: of the mean over the seeds, of their means over the classes that all have; None of
        one.
      by_class: held-out class -> mean over seeds.
    """

    recipe: str
    score: str
    classes: int
    seeds: int
    mean: float
    error_classes: float | None
    error_seeds: float | None
    by_class: dict[str, float]


def table(folders: Sequence[Path]) -> list[Row]:
    """The rows of runs, or of the trials of sweeps, that measured `outliers`.

    Raises:
      InputError: a folder that is no run's and no sweep's, or nothing measured in any.
    """
    found: dict[tuple[str, str], dict[tuple[str, int], float]] = {}
    runs = list(_runs(folders))
    recipes = _recipes([(name, run.record["config"]) for name, run in runs])
    without = []
    for recipe, (_, run) in zip(recipes, runs, strict=True):
        config = run.record["config"]
        held = ", ".join(map(str, config["data"]["without_labels"]))
        values = (run.results or {"metrics": {}})["metrics"].get(METRIC, {})
        measured = {
            name.removeprefix(PREFIX): value
            for name, value in values.get("values", {}).items()
            if name.startswith(PREFIX) and value is not None
        }
        for score, value in measured.items():
            own = found.setdefault((recipe, score), {})
            own[held, config["seed"]] = float(value)
        if not measured:
            without.append(
                f"{recipe} without {held or 'nothing'}, seed {config['seed']}"
            )
    if not found:
        told = ", ".join(map(str, folders))
        raise InputError(
            f"no run in {told} has measured outliers; train some with"
            " --config.data.without_labels=(CLASS,) --config.eval.final_metrics=outliers"
        )
    if without:
        told = "; ".join(without)
        _log.warning(
            "%d of %d runs have no outliers: %s", len(without), len(runs), told
        )
    return [_row(*key, values) for key, values in found.items()]


def text(rows: Sequence[Row]) -> str:
    """Aligned text: the mean, its standard errors, and the held-out classes."""
    held = list(dict.fromkeys(name for row in rows for name in row.by_class))
    head = ["recipe", "score", "mean", "s.e. over classes", "s.e. over seeds", *held]
    lines = [
        [
            *(row.recipe, row.score, f"{row.mean:.3f}"),
            _error(row.error_classes, row.classes),
            _error(row.error_seeds, row.seeds),
            *(f"{row.by_class[h]:.3f}" if h in row.by_class else "" for h in held),
        ]
        for row in rows
    ]
    return in_columns(head, lines)


def as_csv(rows: Sequence[Row]) -> str:
    """A line for each score of each recipe."""
    held = list(dict.fromkeys(name for row in rows for name in row.by_class))
    plain = [name for name in Row.__dataclass_fields__ if name != "by_class"]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*plain, *(f"class {h}" for h in held)])
    writer.writeheader()
    for row in rows:
        values = asdict(row)
        by_class = values.pop("by_class")
        writer.writerow(values | {f"class {h}": v for h, v in by_class.items()})
    return out.getvalue()


def as_latex(rows: Sequence[Row]) -> str:
    """A `tabular`: a line for each recipe, a column for each score, the error that over classes."""
    scores = list(dict.fromkeys(row.score for row in rows))
    lines = [r"\begin{tabular}{l" + "r" * len(scores) + "}", r"\hline"]
    head = map(in_latex, ["recipe", *scores])
    lines += [" & ".join(head) + r" \\", r"\hline"]
    for recipe in dict.fromkeys(row.recipe for row in rows):
        own = {row.score: row for row in rows if row.recipe == recipe}
        told = [_in_latex(own[s]) if s in own else "" for s in scores]
        lines.append(" & ".join([in_latex(recipe), *told]) + r" \\")
    lines += [r"\hline", r"\end{tabular}", ""]
    return "\n".join(lines)


def _row(recipe: str, score: str, values: dict[tuple[str, int], float]) -> Row:
    classes = sorted({held for held, _ in values}, key=lambda held: (len(held), held))
    seeds = sorted({seed for _, seed in values})
    by_class = {
        one: float(np.mean([v for (held, _), v in values.items() if held == one]))
        for one in classes
    }
    whole = [one for one in classes if all((one, seed) in values for seed in seeds)]
    by_seed = [np.mean([values[one, seed] for one in whole]) for seed in seeds if whole]
    means = np.array(list(by_class.values()))
    return Row(
        *(recipe, score, len(classes), len(seeds), float(means.mean())),
        standard_error(means) if len(classes) > 1 else None,
        standard_error(np.array(by_seed)) if len(by_seed) > 1 else None,
        by_class,
    )


def _runs(folders: Sequence[Path]) -> Iterator[tuple[str, Run]]:
    """Every run with the name that its recipe would have."""
    for folder in folders:
        if not (folder / SWEEP).is_file():
            run = _run(folder)
            yield str(_named(run.record["config"].get("experiment"))), run
            continue
        for path in sorted(folder.iterdir()):
            if (path / "config.json").is_file():
                yield folder.resolve().name, _run(path)


def _run(folder: Path) -> Run:
    """A run, whose config says what it held out and its seed."""
    run = read_run(folder)
    config = run.record["config"]
    data = config.get("data")
    held = data.get("without_labels") if isinstance(data, dict) else None
    if not isinstance(held, list) or type(config.get("seed")) is not int:
        raise InputError(
            f"{str(folder / 'config.json')!r} is not what a run writes: data.without_labels is no list,"
            " or seed no whole number"
        )
    return run


def _recipes(runs: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """What the recipe of each run is called, of its name and its config: beside others of one name, the
    knobs in which they differ as well."""
    recipes = [(name, _same(config)) for name, config in runs]
    called: dict[tuple[str, str], str] = {}
    for name in dict.fromkeys(name for name, _ in recipes):
        own = list(dict.fromkeys(recipe for recipe in recipes if recipe[0] == name))
        configs = [flat_keys(json.loads(same)) for _, same in own]
        knobs = differing_knobs(configs)
        labels = [f"{name}, {setting(c, knobs)}" if knobs else name for c in configs]
        if len(set(labels)) < len(labels):  # unlike in what a setting rounds away
            labels = [f"{label} ({index})" for index, label in enumerate(labels, 1)]
        called |= dict(zip(own, labels, strict=True))
    return [called[recipe] for recipe in recipes]


def _same(config: dict[str, Any]) -> str:
    """A config without what the runs of one recipe differ in."""
    data = {**config["data"], "without_labels": (), "subset_seed": None}
    same = {**config, "data": data, "seed": 0}
    return json.dumps(same, sort_keys=True, default=str)


def _named(part: Any) -> Any:
    return part.get("name") if isinstance(part, dict) else part


def _error(error: float | None, count: int) -> str:
    return f"one of {count}" if error is None else f"+-{error:.3f} of {count}"


def _in_latex(row: Row) -> str:
    error = "" if row.error_classes is None else f" \\pm {row.error_classes:.3f}"
    return f"${row.mean:.3f}{error}$"
