"""What every parser of a command does, and the flags that several commands have."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from genlab.commands import completion
from genlab.config import files
from genlab.errors import InputError

# What of a run's config may be given anew where its data are read: the place where they lie.
PLACE = ("data.name", "data.data_dir")
_OVERRIDE = "--config."
# What argparse says, and what is said in its place.
_WORDS = (
    ("ignored explicit argument", "it takes no value, and was given"),
    ("expected one argument", "a value is needed, {flag}=VALUE"),
    ("the following arguments are required: ", "needed: "),
    ("argument ", ""),
)


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are InputErrors; it knows flags by their whole names alone.

    Attributes:
      needed: flags that the command cannot do without, asked for once all others are understood.
    """

    def __init__(self, **options: Any):
        options = {"formatter_class": _Formatter, **options}
        super().__init__(add_help=False, allow_abbrev=False, **options)
        self.needed: list[argparse.Action] = []
        self.set_defaults(overridable=())

    def add_argument(
        self, *names: str, required: bool = False, **options: Any
    ) -> argparse.Action:
        """As argparse's, but for what is required, which is put down in `needed`."""
        action = super().add_argument(*names, **options)
        if required:
            self.needed.append(action)
        return action

    def error(self, message: str) -> None:
        """Raises InputError with one line."""
        flag = message.removeprefix("argument ").partition(":")[0]
        for theirs, ours in _WORDS:
            message = message.replace(theirs, ours.format(flag=flag))
        raise InputError(message)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that spells a flag as it is written, `--num=N`, with its default."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=30, width=100)

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(
            action, argparse._SubParsersAction
        ):  # the commands, no line above
            commands = action._get_subactions()
            return "".join(map(super()._format_action, commands))
        return super()._format_action(action)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = action.metavar or "|".join(map(str, action.choices or ())) or "VALUE"
        return ", ".join(f"{flag}={value}" for flag in action.option_strings)

    def _get_help_string(self, action: argparse.Action) -> str:
        default = action.default
        if not action.option_strings or default in (None, False, "", argparse.SUPPRESS):
            return action.help or ""
        return f"{action.help} (default: {default})"


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of one command; `overrides` has those of its config, key -> text.

    Raises:
      InputError: a flag, an override or an argument that the command does not take, or a value that a
        flag cannot have.
    """
    kept, overrides = _split(arguments)
    values, strange = parser.parse_known_args(kept)
    taken = values.overridable
    for key, text in overrides.items():
        if taken is not None and key not in taken:
            raise InputError(
                f"{parser.prog} does not take {_OVERRIDE}{key}={text}; {_why(values)}"
            )
    if strange:
        from genlab.commands import hints

        raise InputError(hints.of_strange(strange, parser, values))
    for action in parser.needed:
        if not getattr(values, action.dest):
            flag = action.option_strings[0]
            raise InputError(f"{flag} is needed, {_spelled(action)}")
    values.overrides = overrides
    return values


def _why(values: argparse.Namespace) -> str:
    """Why a command takes no other overrides than it does."""
    if values.overridable:
        others = (f"{_OVERRIDE}{key}" for key in values.overridable)
        return f"it takes {' and '.join(others)}"
    return "its config is the run's own" if "workdir" in values else "it has no config"


def _split(arguments: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The arguments without the overrides among them, `--config.KEY=VALUE` or `--config.KEY VALUE`."""
    kept, overrides, rest = [], {}, list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith(_OVERRIDE):
            kept.append(argument)
            continue
        key, equals, text = argument.removeprefix(_OVERRIDE).partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"{argument} sets nothing; {_OVERRIDE}KEY=VALUE does")
            text = rest.pop(0)
        overrides[key] = text
    return kept, overrides


def usage(parser: Parser) -> str:
    """The line that says how the command is called: what it needs, and that there are flags."""
    words = [str(a.metavar) for a in parser._actions if a.required]
    return " ".join([parser.prog, *words, *map(_spelled, parser.needed), "[flags]"])


def _spelled(action: argparse.Action) -> str:
    return f"{action.option_strings[0]}={action.metavar}"


def common(parser: Parser) -> None:
    """The flags of every command."""
    group = parser.add_argument_group("flags of every command")
    group.add_argument(
        "--verbose", action="store_true", help="show the traceback of an error"
    )
    group.add_argument(
        "--trust",
        action="store_true",
        help="import parts of somebody's own that the config.json of a run folder names: code, which"
        " you should know",
    )
    group.add_argument("--help", "-h", action="store_true", help="show this")


def config(parser: Parser, **options: Any) -> None:
    """`--config`, and that its keys may be overridden."""
    parser.add_argument(
        "--config",
        **options,
        type=path,
        metavar="NAME[:VARIANT]",
        help="a config of genlab's by its name, dcgan or dcgan:mnist, or a file of one's own, FILE.py",
    ).completer = completion.configs
    parser.add_argument(
        "--config.KEY",
        metavar="VALUE",
        default=argparse.SUPPRESS,
        help="override a key, --config.train.steps=500; a part is chosen by its name,"
        " --config.objective=minimax, one of your own by its path, my_module:my_loss;"
        " --print-config shows all keys",
    )
    parser.set_defaults(overridable=None)


def workdir(parser: Parser, meaning: str = "the run folder", **options: Any) -> None:
    """`--workdir`."""
    options = {"required": True, **options}
    parser.add_argument("--workdir", type=path, metavar="DIR", help=meaning, **options)


def best(parser: Parser) -> None:
    """`--best`."""
    parser.add_argument(
        "--best",
        action="store_true",
        help="the best checkpoint by eval.best, in the place of the newest",
    )


def place(parser: Parser) -> None:
    """Where the data of a run lie now."""
    for key in PLACE:
        parser.add_argument(
            f"{_OVERRIDE}{key}",
            metavar="NAME" if key == "data.name" else "DIR",
            default=argparse.SUPPRESS,
            help="where the run's data lie now",
        )
    parser.set_defaults(overridable=PLACE)


def path(text: str) -> str:
    """A path as a flag has it; `~` is the home folder."""
    try:
        return files.expanded(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A whole number of 1 or more."""
    return _whole(text, 1)


def whole(text: str) -> int:
    """A whole number of 0 or more."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not (
        text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number of {least} or more"
        )
    return int(text)
