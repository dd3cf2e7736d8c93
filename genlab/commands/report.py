"""`genlab report`: the page of a run or a sweep."""

import argparse
from pathlib import Path

from genlab.commands import flags

HELP = "write the page of a run or of a sweep, report.html"
EXAMPLES = """\
  genlab report --workdir=runs/dcgan
  genlab report --workdir=runs/sweeps/vae-beta"""
ROOM = "genlab.reporting.report"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Of which folder."""
    flags.workdir(parser, "the folder of a run or of a sweep")


def run(values: argparse.Namespace) -> None:
    """Writes report.html of a run or a sweep, one self-contained page."""
    from genlab.reporting.report import write_report

    print(write_report(Path(values.workdir)))
