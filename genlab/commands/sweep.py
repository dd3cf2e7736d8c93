"""`launch.py sweep`: many trials of a config."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import CONFIG, WORKDIR, required
from genlab.process.programs import keep_programs
from genlab.run.folder import default_workdir
from genlab.sweep import command
from genlab.sweep.engines import ENGINES, FLAGS

_DEFINE = {str: flags.text, int: flags.number}


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
        flags.text("target", "", "what a search minimises; -NAME maximises"),
        flags.text("engine", next(iter(ENGINES)), "one of " + ", ".join(ENGINES)),
        *(_DEFINE[flag.kind](flag.name, None, flag.meaning) for flag in FLAGS),
    )
    path = required(values.config, "config")
    keep_programs()
    name = "-".join(filter(None, (default_workdir(path).name, values.sweep)))
    workdir = Path(values.workdir or Path("runs") / "sweeps" / name)
    command.run(path, common, workdir, values)
