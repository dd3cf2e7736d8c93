"""`genlab eval`: a run measured."""

import argparse
import json
from pathlib import Path

from genlab.commands import flags

HELP = "measure a trained run and write its results and report anew"
EXAMPLES = """\
  genlab eval --workdir=runs/dcgan
  genlab eval --workdir=runs/dcgan --metrics=class_coverage,diversity
  genlab eval --workdir=runs/vae "--metrics=({'name': 'posterior', 'num': 1000},)"
  genlab eval --workdir=runs/faces --config.data.name=folder:NEW/PLACE

`genlab list metrics` has their names, knobs and families."""
ROOM = "genlab.evaluation.results"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and what of it."""
    flags.workdir(parser)
    flags.best(parser)
    parser.add_argument(
        "--metrics",
        metavar="NAME,...",
        help="what to measure, added to what is known of the same round; names, or a tuple of names"
        " and parts as in a config; without, the metrics of the config, all anew",
    )
    flags.place(parser)


def run(values: argparse.Namespace) -> None:
    """Measures a run and rewrites its results.json and report."""
    from genlab import trust
    from genlab.commands.inputs import load_trained
    from genlab.config.override import parts_of
    from genlab.evaluation.results import results_file, write_results
    from genlab.process.streams import deliver
    from genlab.registry import metrics
    from genlab.run.folder import locked

    moved = values.overrides.items()
    place = {key.removeprefix("data."): text for key, text in moved}
    trust.vouch(place)
    recipe, trained = load_trained(values, place)
    chosen = values.metrics and parts_of(metrics, values.metrics, "--metrics")
    workdir = Path(values.workdir)
    with locked(workdir):
        record = write_results(
            workdir, trained, recipe.config, chosen or None, results_file(values.best)
        )
    deliver(json.dumps(record, indent=1))
