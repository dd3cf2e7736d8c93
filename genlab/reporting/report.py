"""A run folder, or the folder of a sweep, as one self-contained page that opens anywhere."""

import base64
import hashlib
import os
import re
import string
from importlib import resources
from pathlib import Path

from genlab.errors import InputError
from genlab.reporting import findings, sections, sweep_sections
from genlab.reporting.knobs import differing_knobs
from genlab.reporting.learning import seed_groups
from genlab.reporting.markup import script_json, text
from genlab.reporting.run import Run, read_run
from genlab.reporting.sweep import Sweep, read_sweep
from genlab.reporting.sweep_data import page_data
from genlab.storage.files import write_atomic
from genlab.trials import manifest

# Each page's scripts run as one, in this order.
RUN_SCRIPTS = ("dom.js", "film.js", "chart.js", "page.js")
SWEEP_SCRIPTS = (
    *("dom.js", "chart.js", "axis.js", "board.js", "trials.js"),
    *("parallel.js", "scatter.js", "heat.js", "learning.js", "sweep.js"),
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
        return _write(workdir, _run_page(read_run(workdir)))
    except RecursionError:
        raise InputError(
            f"{str(workdir / 'config.json')!r} is nested too deep to be shown"
        ) from None


def write_sweep_report(sweep: str | os.PathLike, *, locked: bool | None = None) -> Path:
    """Writes `report.html` into the folder of a sweep: its trials, and what they say together.

    The table of trials, parallel coordinates, importances of knobs, learning curves with bands
    over seeds, values against each other, a map of a grid, pictures side by side, statistics over
    seeds, and the best trial's command. Holds everything as the page of a run does, and links to
    nothing but the trials' own pages. It may be written at any time.

    Args:
      sweep: the folder of the sweep, with at least sweep.json.
      locked: as for `read_sweep`.

    Returns:
      The page's path.

    Raises:
      InputError: the folder has no sweep.json, or it is not what a sweep writes.
    """
    sweep = Path(sweep)
    return _write(sweep, _sweep_page(read_sweep(sweep, locked=locked)))


def _write(folder: Path, page: str) -> Path:
    path = folder / "report.html"
    write_atomic(path, page)
    return path


def _run_page(run: Run) -> str:
    curves, data = sections.curves(run)
    return _page(
        "report",
        "run.html",
        ("page.css",),
        RUN_SCRIPTS,
        title=text(run.name),
        status=sections.status(run),
        facts=sections.facts(run),
        results=sections.results(run),
        pictures=sections.pictures(run),
        curves=curves,
        data=data,
        parameters=sections.parameters(run),
        config=sections.config(run),
        origin=sections.origin(run),
    )


def _sweep_page(sweep: Sweep) -> str:
    knobs = differing_knobs([trial.overrides for trial in sweep.trials])
    groups = seed_groups(sweep, knobs)
    return _page(
        "sweep",
        "sweep.html",
        ("page.css", "sweep.css"),
        SWEEP_SCRIPTS,
        title=text(sweep.name),
        status=sweep_sections.status(sweep),
        facts=sweep_sections.facts(sweep, knobs),
        command=sweep_sections.command(sweep),
        table=sweep_sections.table(sweep, knobs),
        troubles=sweep_sections.troubles(sweep),
        importance=findings.importance(sweep, knobs),
        gallery=sweep_sections.gallery(sweep, knobs),
        statistics=findings.statistics(sweep, groups),
        data=script_json(page_data(sweep, knobs, groups)),
        origin=sweep_sections.origin(sweep),
    )


def _page(
    kind: str,
    template: str,
    styles: tuple[str, ...],
    scripts: tuple[str, ...],
    *,
    title: str,
    status: str,
    facts: str,
    data: str,
    **parts: str,
) -> str:
    body = _asset(template)
    headings = re.findall(r'<section id="(\w+)"><h2>(\w+)</h2>', body)
    script = "".join(map(_asset, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return string.Template(_asset("page.html")).substitute(
        kind=kind,
        links="\n".join(f'<a href="#{name}">{text}</a>' for name, text in headings),
        body=string.Template(body).substitute(parts),
        style="".join(map(_asset, styles)),
        script=script,
        # Only this very script may run: a name from a config cannot smuggle one in.
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        title=title,
        status=status,
        facts=facts,
        data=data,
    )


def _asset(name: str) -> str:
    return resources.files("genlab.reporting").joinpath(name).read_text("utf-8")
