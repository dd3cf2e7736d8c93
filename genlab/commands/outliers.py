"""`genlab outliers`: what tells a class that training has not seen."""

import argparse
import json
from pathlib import Path

from genlab.commands import flags

HELP = "show the ROC-AUC of outlier scores over held-out classes and seeds"
EXAMPLES = """\
  genlab sweep --config=vae --seeds=3 --config.eval.final_metrics=outliers \\
    "--grid=data.without_labels=(0,),(1,),(2,),(3,),(4,),(5,),(6,),(7,),(8,),(9,)" --workdir=runs/sweeps/vae
  genlab outliers runs/sweeps/vae runs/sweeps/dcgan --out=tables/outliers

Runs that differ in the held-out class and the seed alone are one line a score; the standard errors are those over
classes and over seeds."""
ROOM = "genlab.reporting.outliers"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=flags.path,
        metavar="FOLDER",
        help="run folders, or those of sweeps",
    )
    parser.add_argument(
        "--out",
        type=flags.path,
        metavar="PATH",
        help="the table as PATH.csv and PATH.tex",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(values: argparse.Namespace) -> None:
    """Shows the mean ROC-AUC of every score, with its standard errors."""
    from dataclasses import asdict

    from genlab.commands.inputs import stem
    from genlab.process.streams import deliver
    from genlab.reporting import outliers
    from genlab.storage.files import write_atomic

    out = stem(values.out)
    rows = outliers.table([Path(folder) for folder in values.folders])
    if out:
        write_atomic(out.with_name(f"{out.name}.csv"), outliers.as_csv(rows))
        write_atomic(out.with_name(f"{out.name}.tex"), outliers.as_latex(rows))
    if values.json:
        deliver(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        deliver(outliers.text(rows))
