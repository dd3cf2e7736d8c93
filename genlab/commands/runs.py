"""`genlab runs`: the run folders that there are."""

import argparse

HELP = "list run folders with their state, age, duration and a result"
EXAMPLES = """\
  genlab runs
  genlab runs runs/sweeps/vae-beta --json"""
ROOM = "genlab.reporting.run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    parser.add_argument(
        "folder",
        nargs="?",
        default="runs",
        metavar="FOLDER",
        help="where; runs without",
    )


def run(values: argparse.Namespace) -> None:
    pass
