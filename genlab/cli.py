"""The door of the commands: arguments in, an exit code and one line out for every mistake."""

import importlib
import logging
import os
import sys
import traceback

from absl.flags import Error as FlagError

from genlab.errors import (
    EXIT_DIVERGED,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_STOPPED,
    InputError,
    NonFiniteLoss,
    Stopped,
    suggest,
)

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

Every command takes --verbose, which shows the traceback of an error.
"""


def main(argv: list[str]) -> int:
    """Runs one command; returns its exit code: 0, 2 for bad input, 1 diverged, 75 stopped."""
    sys.path.append(os.getcwd())  # parts of the user's own, named by their path
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("genlab").setLevel(logging.INFO)
    name, rest = _split_command(argv[1:])
    verbose = "--verbose" in rest
    try:
        if name == "help":
            print(USAGE, end="")
            return 0
        if name not in COMMANDS:
            raise InputError(f"unknown command {name!r}{suggest(name, COMMANDS)}")
        importlib.import_module(f"genlab.commands.{name}").run(rest)
        return 0
    except InputError as error:
        return _complain(error, verbose, EXIT_INPUT)
    except FlagError as error:
        return _complain(error, verbose, EXIT_INPUT)
    except Stopped as stopped:
        print(f"genlab: {stopped}", file=sys.stderr)
        return EXIT_STOPPED
    except NonFiniteLoss as error:
        return _complain(error, verbose, EXIT_DIVERGED)
    except KeyboardInterrupt:
        return _complain(InputError("interrupted"), verbose, EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, `| head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a file that may not be written
        if error.filename is None and error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _complain(InputError(f"{where}{error.strerror}"), verbose, EXIT_INPUT)


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    if not arguments or arguments[0] == "help" or {"--help", "-h"} & set(arguments):
        return "help", []
    if arguments[0].startswith("-"):
        return "train", arguments
    return arguments[0], arguments[1:]


def _complain(error: Exception, verbose: bool, code: int) -> int:
    if verbose:
        traceback.print_exc()
    line = " ".join(str(error).split())
    print(f"genlab: error: {line}", file=sys.stderr)
    return code
