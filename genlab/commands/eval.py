"""`launch.py eval`: a run measured."""

import json
from pathlib import Path

from genlab import trust
from genlab.commands import flags
from genlab.commands.inputs import BEST, PLACE, WORKDIR, load_trained
from genlab.config.override import metrics_of
from genlab.evaluation.results import results_file, write_results
from genlab.process.streams import deliver
from genlab.run.folder import locked


def run(arguments: list[str]) -> None:
    """Measures a run and rewrites its results.json and report."""
    values, moved = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.text("metrics", None, "names, or a tuple"),
        keys=PLACE,
    )
    place = {key.removeprefix("data."): text for key, text in moved.items()}
    trust.vouch(place)
    recipe, trained = load_trained(values, place)
    chosen = metrics_of(values.metrics) if values.metrics else None
    workdir = Path(values.workdir)
    with locked(workdir):
        record = write_results(
            workdir, trained, recipe.config, chosen, results_file(values.best)
        )
    deliver(json.dumps(record, indent=1))
