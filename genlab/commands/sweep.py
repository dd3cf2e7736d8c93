"""`genlab sweep`: many trials of a config."""

import argparse
from pathlib import Path

from genlab.commands import flags
from genlab.sweep.engine import Flag
from genlab.sweep.engines import ENGINES, FLAGS

HELP = "train many trials of a config: a sweep, a grid, seeds or a search"
EXAMPLES = """\
  genlab sweep --config=vae --sweep=beta             a sweep that the config names
  genlab sweep --config=vae "--grid=objective.beta=1,4;experiment.latent_dim=2,8" --seeds=3
  genlab sweep --config=dcgan --sweep=space --engine=local --trials=20 \\
    --target=-class_coverage/smallest_share          a search of a space, for the largest
  genlab sweep --config=vae --seeds=100 --engine=slurm > job.sh

The same command again goes on where it was cut. `genlab list sweeps` has what configs name."""
ROOM = "genlab.sweep.command"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to train, how often, and where."""
    flags.config(parser, required=True)
    meaning = "the folder of the sweep; runs/sweeps/NAME-SWEEP without"
    flags.workdir(parser, meaning, required=False)
    add = parser.add_argument
    add("--sweep", metavar="NAME", help="a sweep_NAME() of the config file")
    add(
        "--grid",
        metavar="KEY=A,B;KEY=C,D",
        help="every combination of these values; multiplies --sweep",
    )
    add(
        "--seeds",
        type=flags.count,
        metavar="N",
        help="each trial with the seeds 0 to N - 1",
    )
    add(
        "--trials",
        type=flags.count,
        metavar="N",
        help="how many are drawn from a sweep that is a space",
    )
    add(
        "--target",
        metavar="[-]VALUE",
        default="",
        help="the measured value that trials are compared by: the least is best, or with a minus"
        " sign the greatest; a space is then searched",
    )
    engines = parser.add_argument_group("engines")
    engines.add_argument(
        "--engine", metavar="NAME", default=next(iter(ENGINES)), help=_engines()
    )
    for flag in FLAGS:
        kind = {int: flags.count, str: str}[flag.kind]
        metavar = "N" if flag.kind is int else "VALUE"
        engines.add_argument(
            f"--{flag.name}", type=kind, metavar=metavar, help=_meaning(flag)
        )


def run(values: argparse.Namespace) -> None:
    """Trains the trials of a sweep and writes their table."""
    from genlab.process.programs import keep_programs
    from genlab.run.folder import default_workdir
    from genlab.sweep import command

    keep_programs()
    name = "-".join(filter(None, (default_workdir(values.config).name, values.sweep)))
    workdir = Path(values.workdir or Path("runs") / "sweeps" / name)
    command.run(values.config, values.overrides, workdir, values)


def _engines() -> str:
    """Where trials run, from what the engines say of themselves."""
    lines = {
        name: (it.__doc__ or "").partition("\n")[0] for name, it in ENGINES.items()
    }
    told = [
        f"{name}: {line[:1].lower()}{line[1:].rstrip('.')}"
        for name, line in lines.items()
    ]
    return "where the trials run. " + "; ".join(told)


def _meaning(flag: Flag) -> str:
    """What the flag says, and which engines read it."""
    readers = [name for name, engine in ENGINES.items() if flag in engine.flags]
    return f"{flag.meaning} ({', '.join(readers)})"
