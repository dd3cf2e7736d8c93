"""`launch.py --config=FILE`: trains, or goes on where the run folder stands."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import (
    CONFIG,
    WORKDIR,
    default_workdir,
    load_config,
    prepare_jax,
    required,
)
from genlab.training.train import train


def run(arguments: list[str]) -> None:
    """Trains a config in its run folder, or goes on where the folder stands."""
    values, overrides = flags.parse(arguments, CONFIG, WORKDIR)
    path = required(values.config, "config")
    config, changed = load_config(path, overrides)
    workdir = Path(values.workdir or default_workdir(path))
    prepare_jax()
    train(config, workdir, changed, Path(path.partition(":")[0]).parent)
    print(f"done: {workdir}/report.html")
