"""A run folder, or the folder of a sweep, as one self-contained page that opens anywhere."""

import os
from pathlib import Path

from genlab.errors import InputError
from genlab.reporting import page, run_page, sweep_page
from genlab.reporting.run import read_run
from genlab.reporting.sweep import read_sweep
from genlab.storage.files import write_atomic
from genlab.trials import manifest

# Each page's scripts run as one, in this order.
RUN_SCRIPTS = (
    *("dom.js", "film.js", "player.js", "ticks.js", "chart.js", "save.js", "page.js"),
)
SWEEP_SCRIPTS = (
    *("dom.js", "ticks.js", "chart.js", "save.js", "axis.js", "board.js", "trials.js"),
    *("parallel.js", "scatter.js", "heat.js", "progress.js", "learning.js", "sweep.js"),
)


def write_report(workdir: str | os.PathLike) -> Path:
    """Writes `report.html` into a run folder: results, pictures, curves, config, parameters.

    The page holds its pictures, data, styles and script, and its content policy lets it load or
    send nothing. It may be written at any time, also while the run trains. A folder with a
    sweep.json gets the page of a sweep, see `write_sweep_report`.

    Args:
      workdir: the run folder, with at least config.json.

    Returns:
      The page's path.

    Raises:
      InputError: the folder has no config.json that can be read.
    """
    workdir = Path(workdir)
    if (workdir / manifest.FILE).exists():
        return write_sweep_report(workdir)
    try:
        parts = run_page.parts(read_run(workdir))
        return _write(
            workdir, page.render("run.html", ("page.css",), RUN_SCRIPTS, **parts)
        )
    except RecursionError:
        raise InputError(
            f"{str(workdir / 'config.json')!r} is nested too deep to be shown"
        ) from None


def write_sweep_report(sweep: str | os.PathLike, *, locked: bool | None = None) -> Path:
    """Writes `report.html` into the folder of a sweep: its trials, and what they say together.

    The table of trials, parallel coordinates, importances of knobs, the best so far, learning curves
    with bands over seeds, values against each other, a map of a grid, pictures side by side,
    statistics over seeds, and the best trial's command. Holds everything as the page of a run does,
    and links to nothing but the trials' own pages. It may be written at any time.

    Args:
      sweep: the folder of the sweep, with at least sweep.json.
      locked: as for `read_sweep`.

    Returns:
      The page's path.

    Raises:
      InputError: the folder has no sweep.json, or it is not what a sweep writes.
    """
    sweep = Path(sweep)
    parts = sweep_page.parts(read_sweep(sweep, locked=locked))
    styles = ("page.css", "sweep.css")
    return _write(sweep, page.render("sweep.html", styles, SWEEP_SCRIPTS, **parts))


def _write(folder: Path, content: str) -> Path:
    path = folder / "report.html"
    write_atomic(path, content)
    return path
