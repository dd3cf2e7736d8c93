"""`genlab compare`: the run folders that there are."""

import argparse

HELP = "show what differs between runs, and their results side by side"
EXAMPLES = """\
  genlab compare
  genlab compare runs/sweeps/vae-beta --json"""
ROOM = "genlab.reporting.run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    parser.add_argument(
        "folder",
        nargs="?",
        default="compare",
        metavar="FOLDER",
        help="where; runs without",
    )


def run(values: argparse.Namespace) -> None:
    pass
