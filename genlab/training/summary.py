"""What a run says of itself in a few lines: before it trains, and of what came out."""

import shutil
import sys
from pathlib import Path
from typing import Any

import jax

from genlab import __version__
from genlab.config.stage import stages_of
from genlab.game.parallel import choose_devices
from genlab.game.turn import State
from genlab.metrics.measurement import flat_name, in_series
from genlab.process import xla
from genlab.process.duration import told
from genlab.run.course import Course
from genlab.run.folder import are_results, read_results, results_file
from genlab.run.recipe import Recipe
from genlab.storage import sidefile
from genlab.trials.table import in_columns

HEAD = ("value", "", "95 % interval", "split", "measured with")


def opening(course: Course, workdir: Path, done: int) -> list[str]:
    """The lines that a training begins with: version, devices, data, players, folder, rounds.

    Args:
      course: what is trained.
      workdir: the run folder.
      done: rounds that are done.
    """
    end = course.last.end
    if done == end:
        return [f"{workdir} has done all of its {end:,} rounds"]
    doubtful = xla.jaxlib_version() in xla.WRONG_ON_CPU
    lines = [
        *([xla.describe()] if doubtful else []),
        f"version   genlab {__version__}, jax {jax.__version__}",
        f"devices   {_devices(course.last.config['devices'])}",
    ]
    for recipe in course.recipes:
        if len(course.recipes) > 1:
            rounds = f"rounds {recipe.begin + 1:,} to {recipe.end:,}"
            lines.append(f"stage     {recipe.stage}: {rounds}")
        lines += [f"data      {data_told(recipe)}", f"players   {players_told(recipe)}"]
    resumed = f", resumed from step {done}" if done else ""
    return [
        *lines,
        f"folder    {workdir}",
        f"rounds    {end - done:,} to go of {end:,}{resumed}",
    ]


def closing(workdir: Path, config: dict[str, Any], seconds: float) -> str:
    """A line for each value with interval, split and protocol, the duration, and the report.

    Args:
      workdir: the folder of a finished run.
      config: its plain config.
      seconds: how long the command took.
    """
    end, by = stages_of(config)[-1].end, config["eval"]["best"]
    results = read_results(workdir, end) or {"metrics": {}}
    failed = results.get("failed", {}).items()
    best = sidefile.read(workdir / results_file(best=True), are_results) if by else None
    lines = [*_table(results), *(f"{name} failed: {why}" for name, why in failed)]
    if best and best["step"] == end:
        lines += [f"the best by {by} as well"]
    elif best:
        lines += ["", f"the best by {by}, after {best['step']:,} rounds", *_table(best)]
    return "\n".join([*lines, f"done in {told(seconds)}: {workdir}/report.html"])


def _table(results: dict[str, Any]) -> list[str]:
    """The values of results in columns, no wider than a terminal that shows them; none without any."""
    rows = [
        row for name, found in results["metrics"].items() for row in _rows(name, found)
    ]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return [in_columns(HEAD, rows, optional=HEAD, width=width)] if rows else []


def _rows(metric: str, found: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row for each value, and one for a series of numbered ones; the first says how."""
    protocol = dict(found["protocol"])
    split, values = str(protocol.pop("split", "")), found["values"]
    rows = []
    for names in in_series(values):
        low, high = found.get("intervals", {}).get(names[0], (None, None))
        alone = len(names) == 1
        row = (
            flat_name(metric, names[0] if alone else f"{names[0]} to {names[-1]}"),
            _number(values[names[0]]) if alone else _span([values[n] for n in names]),
            f"{low:.4g} to {high:.4g}" if alone and low is not None else "",
            split,
            "" if rows else _protocol_told(protocol),
        )
        rows.append(row)
    return rows


def _span(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):.4g} to {max(known):.4g}" if known else _number(None)


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.5g}"


def data_told(recipe: Recipe) -> str:
    """Name, counts per split, shape of an example."""
    data = recipe.data
    splits = ", ".join(f"{name} {split.size:,}" for name, split in data.splits.items())
    return f"{data.name}: {splits}; example {list(data.example_shape)}"


def players_told(recipe: Recipe) -> str:
    """Every player with its parameters."""
    counts = parameter_counts(recipe.shapes()).items()
    told_each = [f"{player} {count:,}" for player, count in counts]
    return f"{', '.join(told_each)} parameters"


def parameter_counts(state: State) -> dict[str, int]:
    """How many parameters each player has."""
    return {
        player: sum(leaf.size for leaf in jax.tree.leaves(params))
        for player, params in state.params.items()
    }


def _devices(asked: int) -> str:
    devices = choose_devices(asked)
    kinds = {device.device_kind for device in devices}
    processes = len({device.process_index for device in devices})
    of = f", of {processes} processes" if processes > 1 else ""
    return f"{len(devices)} x {', '.join(sorted(kinds))} ({devices[0].platform}){of}"


def _protocol_told(protocol: dict[str, Any]) -> str:
    plain = {
        key: f"{value:.4g}" if isinstance(value, float) else str(value)
        for key, value in protocol.items()
        if not isinstance(value, dict | list)
    }
    return ", ".join(f"{key}={text}" for key, text in plain.items())
