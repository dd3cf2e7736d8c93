"""`launch.py --config=FILE`: trains, or goes on where the run folder stands."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import CONFIG, WORKDIR, required
from genlab.config.files import folder_of
from genlab.config.override import resolved
from genlab.process.programs import keep_programs
from genlab.run.folder import default_workdir
from genlab.training.train import train


def run(arguments: list[str]) -> None:
    """Trains a config in its run folder, or goes on where the folder stands."""
    values, overrides = flags.parse(arguments, CONFIG, WORKDIR)
    path = required(values.config, "config")
    config, changed = resolved(path, overrides)
    workdir = Path(values.workdir or default_workdir(path))
    keep_programs()
    train(config, workdir, changed, folder_of(path))
    print(f"done: {workdir}/report.html")
