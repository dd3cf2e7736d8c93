"""What somebody meant who wrote an argument that a command does not take."""

import argparse
import os
from collections.abc import Sequence

from genlab.config import files
from genlab.errors import InputError, suggest


def of_strange(
    strange: Sequence[str], parser: argparse.ArgumentParser, values: argparse.Namespace
) -> str:
    """The message for arguments that are left over where a parser has taken its own.

    Args:
      strange: the arguments, in order.
      parser: of the command.
      values: what it has taken.
    """
    first, *rest = strange
    if not first.startswith("-") or first == "-":
        key, equals, text = first.partition("=")
        hint = _of_key(key, text, values) if equals else ""
        return f"unexpected argument {_short(first)}{hint or of_word(first)}"
    name, equals, text = first.lstrip("-").partition("=")
    if not equals and rest and not rest[0].startswith("-"):
        text = rest[0]
    hint = _of_key(name, text, values) or suggest(name[:100], _flags_of(parser))
    written = first.partition("=")[0]
    return f"{parser.prog} has no flag {_short(written)}{hint}"


def of_word(word: str) -> str:
    """`; did you mean --config=FILE?` for a word that names a config or a folder of runs."""
    if os.path.isfile(os.path.join(word, "config.json")):
        return f"; did you mean --workdir={word}?"
    try:
        files.find(files.split_variant(word)[0])
    except InputError:
        looks_so = files.split_variant(word)[0].endswith(".py")
        return f"; a config is named by --config={word}" if looks_so else ""
    return f"; did you mean --config={word}?"


def _of_key(name: str, text: str, values: argparse.Namespace) -> str:
    """Of a flag that is a key of the config, where the command takes all of these."""
    if values.overridable is not None:
        return ""
    from genlab.config import keys, load

    try:
        config = load.load(values.config) if values.config else load.base_config()
        return keys.suggestion(config, name, text or "VALUE")
    except InputError:  # of a config that cannot be read, which is another matter
        return ""


def _flags_of(parser: argparse.ArgumentParser) -> list[str]:
    """The names of a command's flags, without dashes, those that look into a config aside."""
    options = [flag for action in parser._actions for flag in action.option_strings]
    names = [flag.removeprefix("--") for flag in options if flag.startswith("--")]
    return [name for name in names if "." not in name]


def _short(text: str) -> str:
    return repr(text) if len(text) <= 100 else f"{text[:100]!r}..."
