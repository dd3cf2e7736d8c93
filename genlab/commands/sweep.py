"""`launch.py sweep`: many trials of a config."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import (
    CONFIG,
    WORKDIR,
    default_workdir,
    prepare_jax,
    required,
)
from genlab.sweep import command


def run(arguments: list[str]) -> None:
    """Trains the trials of a sweep and writes their table."""
    values, common = flags.parse(
        arguments,
        CONFIG,
        WORKDIR,
        flags.text("sweep", None, "name of a sweep_NAME() in the config file"),
        flags.text("grid", None, "KEY=VALUE,VALUE;KEY=VALUE,VALUE"),
        flags.number("seeds", None, "seeds of every trial, 0 to N - 1"),
        flags.number("trials", None, "trials drawn from a space"),
        flags.text("engine", "population", "population, local, ray or slurm"),
        flags.number(
            "workers",
            None,
            "processes at a time of the local engine; one per GPU without",
        ),
        flags.text("target", "", "what a search minimises; -NAME maximises"),
        flags.text("sampler", None, "of a search: tpe, gp, cmaes, random or grid"),
        flags.text("pruner", None, "what stops losers: none, halving or hyperband"),
        flags.text(
            "storage", None, "URL of a search's storage; a journal file without"
        ),
        flags.number(
            "evolve", None, "rounds between two steps of population-based training"
        ),
        flags.text("address", None, "of a Ray cluster; one is started here without"),
    )
    path = required(values.config, "config")
    prepare_jax()
    name = "-".join(filter(None, (default_workdir(path).name, values.sweep)))
    workdir = Path(values.workdir or Path("runs") / "sweeps" / name)
    command.run(path, common, workdir, values)
