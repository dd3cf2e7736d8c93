"""The door of the commands: arguments in, an exit code and one line out for every mistake."""

import importlib
import logging
import os
import platform
import sys
import traceback
from importlib import metadata

import genlab
from genlab import shipped
from genlab.commands import flags, hints
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
    NotReproduced,
    PartFailed,
    Stopped,
    is_out_of_memory,
    suggest,
)
from genlab.process import display, peers, streams
from genlab.process.command import program
from genlab.process.signals import importing

# Each is a file in `genlab/commands/`: HELP, EXAMPLES, `arguments(parser)`, `run(values)`, and ROOM,
# the module that does the work. Files import what computes where they run, so that help is there at
# once and without the packages that genlab needs.
COMMANDS = (
    *("train", "sweep", "check", "list"),
    *("eval", "sample", "plot", "translate", "export"),
    *("probe", "outliers", "runs", "compare", "report", "replay", "completion"),
)
_FAILED = (NonFiniteLoss, NoneFinished, NotReproduced, PartFailed)
_ABOUT = "genlab trains, evaluates and samples deep generative models."

_log = logging.getLogger("genlab")


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
        if not code and not peers.are_watched():
            raise
        if verbose or not code:
            traceback.print_exc()
        code = code or EXIT_DIVERGED
        if not isinstance(error, NonFiniteLoss):  # in which all end
            peers.fail(code, reason)
        print(f"genlab: error: {' '.join(reason.split())}", file=sys.stderr)
        return code


def parsers() -> tuple[flags.Parser, dict[str, flags.Parser]]:
    """The parser of all commands, and that of each by its name."""
    root = flags.Parser(
        prog=program(),
        usage=f"{program()} COMMAND [flags]\n       {program()} --config=NAME [flags]",
        description=_ABOUT,
        epilog=f"{program()} COMMAND --help says more of each; --version names the versions.",
    )
    every = root.add_subparsers(title="commands", prog=program())
    for name in COMMANDS:
        command = importlib.import_module(f"genlab.commands.{name}")
        parser = every.add_parser(
            name,
            help=command.HELP,
            description=f"{command.HELP[0].upper()}{command.HELP[1:]}.",
            epilog=f"examples:\n{command.EXAMPLES}",
        )
        command.arguments(parser)
        parser.usage = flags.usage(parser)
        flags.common(parser)
        parser.set_defaults(command=command)
    return root, every.choices


def _run(arguments: list[str]) -> None:
    _log_to_stderr()
    root, commands = parsers()
    if "_ARGCOMPLETE" in os.environ:
        from genlab.commands import completion

        completion.answer(root)
    if arguments == ["--version"]:
        streams.deliver(_versions())
        return
    name, rest = _split_command(arguments)
    if name != "help" and name not in commands:
        hint = hints.of_word(name) or suggest(name, commands)
        raise InputError(f"unknown command {name!r}{hint}")
    if name == "help" or {"--help", "-h"} & set(rest):
        shown = commands.get(name, root)
        streams.deliver(shown.format_help().rstrip())
        return
    _check_working_folder()
    values = flags.parse(commands[name], rest)
    if what := getattr(values, "config", None) or getattr(values, "workdir", None):
        _log.info("%s %s", name, what)  # importing what computes takes seconds
    with display.shown(), display.doing(f"running {name}"):
        with importing():
            importlib.import_module(values.command.ROOM)
            from genlab import trust
        with trust.command():
            if values.trust:
                trust.everything()
            values.command.run(values)


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    """The command and its arguments; flags alone train."""
    match arguments:
        case [] | ["--help" | "-h" | "help"]:
            return "help", []
        case ["help", name, *_]:
            return name, ["--help"]
        case [first, *_] if first.startswith("-"):
            return "train", arguments
    return arguments[0], arguments[1:]


def _versions() -> str:
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in ("jax", "flax"))
    return (
        f"genlab {genlab.__version__} ({packages}, Python {platform.python_version()})"
    )


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


def _known(error: BaseException) -> tuple[int, str]:
    """The exit code and the line of a mistake or a mishap; 0 for anything else, a bug."""
    if isinstance(error, InputError):
        return EXIT_INPUT, str(error)
    if isinstance(error, _FAILED):
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
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (missing or "").partition(".")[0]
    if package not in ("", "genlab"):
        told = f"`{shipped.install()}` installs what genlab needs"
        return EXIT_INPUT, f"{package!r} is not installed; {told}"
    return 0, f"{type(error).__name__}: {error}"
