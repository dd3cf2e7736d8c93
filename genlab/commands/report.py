"""`launch.py report`: the page of a run or a sweep."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import WORKDIR, required
from genlab.reporting.report import write_report


def run(arguments: list[str]) -> None:
    """Writes report.html of a run or a sweep, one self-contained page."""
    values, _ = flags.parse(arguments, WORKDIR)
    print(write_report(Path(required(values.workdir, "workdir"))))
