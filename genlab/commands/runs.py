"""`genlab runs`: the run folders that there are."""

import argparse
import json
from pathlib import Path

from genlab.commands import flags

HELP = "list run folders with their state, age, duration and a result"
EXAMPLES = """\
  genlab runs                              in the folder runs, those written last first
  genlab runs runs/sweeps/vae-beta         the trials of a sweep
  genlab runs FOLDER --json                for a program"""
ROOM = "genlab.reporting.overview"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=flags.path,
        default="runs",
        metavar="FOLDER",
        help="where to look, folders in it too; runs without",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(values: argparse.Namespace) -> None:
    """Lists the run folders in a folder."""
    from dataclasses import asdict

    from genlab.process.streams import deliver
    from genlab.reporting import overview

    found = overview.rows(Path(values.folder))
    if values.json:
        deliver(json.dumps([asdict(row) for row in found], indent=1))
    else:
        deliver(overview.render(found))
