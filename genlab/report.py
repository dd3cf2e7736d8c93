"""A run folder as one self-contained page that opens anywhere, without a network."""

import base64
import hashlib
import html
import os
import string
from importlib import resources
from pathlib import Path

from genlab.reporting import sections
from genlab.reporting.run import Run, read_run
from genlab.writer import write_atomic

SCRIPTS = ("dom.js", "film.js", "chart.js", "page.js")  # run as one, in this order


def write_report(workdir: str | os.PathLike) -> Path:
    """Writes `report.html` into a run folder: results, pictures, curves, config, parameters.

    The page holds its pictures, data, styles and script, and its content policy lets it load or
    send nothing. It may be written at any time, also while the run trains.

    Args:
      workdir: the run folder, with at least config.json.

    Returns:
      The page's path.

    Raises:
      InputError: the folder has no config.json, or a file in it is not what a run writes.
    """
    workdir = Path(workdir)
    page = _page(read_run(workdir))
    path = workdir / "report.html"
    write_atomic(path, page)
    return path


def _page(run: Run) -> str:
    script = "".join(_asset(name) for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    curves, data = sections.curves(run)
    return string.Template(_asset("page.html")).substitute(
        title=html.escape(run.name),
        style=_asset("page.css"),
        script=script,
        # Only this very script may run: a name from a config cannot smuggle one in.
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
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


def _asset(name: str) -> str:
    return resources.files("genlab.reporting").joinpath(name).read_text("utf-8")
