"""The door of the commands: arguments in, an exit code and one line out for every mistake."""

import importlib
import logging
import os
import sys
import traceback

from absl.flags import Error as FlagError

from genlab import trust
from genlab.errors import (
    EXIT_DIVERGED,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_MEMORY,
    EXIT_STOPPED,
    LESS_MEMORY,
    InputError,
    NoneFinished,
    NonFiniteLoss,
    PartFailed,
    Stopped,
    is_out_of_memory,
    suggest,
)
from genlab.process import streams
from genlab.process.signals import importing

# Each is a file in `genlab/commands/`.
COMMANDS = (
    *("train", "list", "check", "eval", "sample"),
    *("translate", "sweep", "report", "export"),
)

USAGE = """\
genlab trains, evaluates and samples deep generative models.

  python launch.py --config=configs/dcgan.py[:variant] [--workdir=DIR] [--config.KEY=VALUE ...]
  python launch.py list [experiments|objectives|models|datasets|metrics|plots|configs] [--json]
  python launch.py check  --config=FILE          shapes, parameters, memory; no training
  python launch.py eval   --workdir=DIR [--metrics=NAME,... or a tuple] [--best]
                          [--config.data.name=NAME]   where its data lie now
  python launch.py sample --workdir=DIR --num=64 --out=grid.png (or .npz) [--best]
  python launch.py translate --workdir=DIR --input=PATH --out=DIR [--back] [--skip-unreadable]
  python launch.py sweep  --config=FILE --sweep=NAME | --grid='KEY=A,B;KEY=C,D' [--seeds=N]
                          [--engine=population|local|ray|slurm] [--workers=N] [--trials=N]
                          population: [--target=[-]VALUE --pruner=halving | --evolve=ROUNDS]
  python launch.py sweep  --config=FILE --sweep=SPACE --engine=local|ray --target=[-]VALUE
                          --trials=N [--sampler=tpe|gp|cmaes|random|grid]
                          [--pruner=none|halving|hyperband] [--storage=URL] [--address=RAY]
  python launch.py report --workdir=DIR
  python launch.py export --workdir=DIR --out=params.safetensors [--best]
                          [--hub --out=FOLDER | --stablehlo --num=64 --out=sampler.stablehlo]

Every command takes --verbose, which shows the traceback of an error, and --trust, which imports parts
of somebody's own that the config.json of a run folder names: code, which you should know.
"""


def main(argv: list[str]) -> int:
    """Runs one command; returns its exit code, see `genlab.errors`."""
    streams.install()
    verbose = "--verbose" in argv
    try:
        _run(argv[1:])
        return 0
    except Stopped as stopped:
        print(f"genlab: {stopped}", file=sys.stderr)
        return EXIT_STOPPED
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        code, reason = _known(error)
        if not code:
            raise
        if verbose:
            traceback.print_exc()
        print(f"genlab: error: {' '.join(reason.split())}", file=sys.stderr)
        return code


def _run(arguments: list[str]) -> None:
    _log_to_stderr()
    name, rest = _split_command(arguments)
    if name == "help":
        streams.deliver(USAGE.rstrip())
        return
    if name not in COMMANDS:
        raise InputError(f"unknown command {name!r}{suggest(name, COMMANDS)}")
    _check_working_folder()
    with importing():
        command = importlib.import_module(f"genlab.commands.{name}")
    with trust.command():
        command.run(rest)


def _check_working_folder() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError(
            "the working folder has been deleted; cd to one that is there"
        ) from None


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(streams.LogFormatter("%(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("genlab").setLevel(logging.INFO)


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    if not arguments or arguments[0] == "help" or {"--help", "-h"} & set(arguments):
        return "help", []
    if arguments[0].startswith("-"):
        return "train", arguments
    return arguments[0], arguments[1:]


def _known(error: BaseException) -> tuple[int, str]:
    """The exit code and the line of a mistake or a mishap; 0 for anything else, a bug."""
    if isinstance(error, InputError | FlagError):
        return EXIT_INPUT, str(error)
    if isinstance(error, NonFiniteLoss | NoneFinished | PartFailed):
        return EXIT_DIVERGED, str(error)
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED, "interrupted"
    if isinstance(error, SystemExit):
        return EXIT_INPUT, f"a part ended the process (SystemExit: {error})"
    if is_out_of_memory(error):
        reason = str(error).strip().partition("\n")[0] or "nothing left"
        return EXIT_MEMORY, f"out of memory ({reason}); {LESS_MEMORY}"
    if isinstance(error, OSError) and (error.filename or error.strerror):
        where = f"{error.filename}: " if error.filename else ""
        return EXIT_INPUT, f"{where}{error.strerror}"
    return 0, ""
