"""`genlab compare`: runs side by side."""

import argparse
import json
from pathlib import Path

from genlab.commands import flags

HELP = "show what differs between runs, and their results side by side"
EXAMPLES = """\
  genlab compare runs/vae runs/vae-beta4
  genlab compare runs/sweeps/vae-beta/* --json

Intervals are of 95 % over the examples of one evaluation. Values that were measured in unlike ways, or on
other examples, are refused, and it is said what differs. Differences over seeds are in a sweep's report."""
ROOM = "genlab.reporting.comparison"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=flags.path,
        metavar="FOLDER",
        help="run folders, two or more",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(values: argparse.Namespace) -> None:
    """Shows what differs in the configs of runs, and their results."""
    from genlab.errors import InputError
    from genlab.process.streams import deliver
    from genlab.reporting import comparison

    folders = [Path(folder) for folder in values.folders]
    if len(folders) < 2:
        raise InputError("one run has nothing to be compared with; name two or more")
    found = comparison.compared(folders)
    if values.json:
        deliver(json.dumps({"folders": values.folders, **found}, indent=1))
    else:
        deliver(comparison.render(folders, found))
