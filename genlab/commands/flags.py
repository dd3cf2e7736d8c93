"""Flags of one command, as absl keeps them, and the overrides among its arguments."""

from collections.abc import Callable, Collection
from typing import Any

from absl import flags

from genlab import trust
from genlab.config.paths import expanded
from genlab.errors import InputError


def parse(
    arguments: list[str], *define: Callable, keys: Collection[str] = ()
) -> tuple[Any, dict[str, str]]:
    """Flags of one command, and the `--config.KEY=VALUE` overrides among its arguments.

    A command that takes a config takes all of them, others those of `keys`.
    """
    values = flags.FlagValues()
    flags.DEFINE_bool("verbose", False, "show tracebacks", flag_values=values)
    flags.DEFINE_bool("trust", False, "import what a folder names", flag_values=values)
    for definition in define:
        definition(values)
    overrides, others = {}, ["launch.py"]
    for argument in arguments:
        named = argument.removeprefix("--config.").partition("=")[0]
        taken = "config" in values or named in keys
        if taken and argument.startswith("--config."):
            key, equals, text = argument.removeprefix("--config.").partition("=")
            if not equals:
                raise InputError(f"{argument} sets nothing; --config.KEY=VALUE does")
            overrides[key] = text
        elif argument.lstrip("-").partition("=")[0] in ("flagfile", "undefok"):
            raise InputError(f"{argument}: flags are given one by one, --name=value")
        elif len(argument.partition("=")[0]) > 100:  # absl cannot look for a like one
            raise InputError(f"no flag is called {argument[:100]!r}...")
        else:
            others.append(argument)
    left = values(others)[1:]
    if left:
        raise InputError(f"unexpected argument {left[0]!r}; flags are --name=value")
    if values.trust:
        trust.everything()
    return values, overrides


def text(name: str, default: str | None, meaning: str) -> Callable:
    """A flag `--name=TEXT` for `parse`."""
    return lambda values: flags.DEFINE_string(
        name, default, meaning, flag_values=values
    )


def path(name: str, default: str | None, meaning: str) -> Callable:
    """A flag `--name=PATH` for `parse`; `~` is the home folder."""
    return lambda values: flags.DEFINE(
        _PathParser(), name, default, meaning, flag_values=values
    )


class _PathParser(flags.ArgumentParser):
    def parse(self, argument: str) -> str:
        return expanded(argument)


def number(name: str, default: int | None, meaning: str) -> Callable:
    """A flag `--name=COUNT`, 1 or more, for `parse`."""
    return lambda values: flags.DEFINE_integer(
        name, default, meaning, flag_values=values, lower_bound=1
    )


def switch(name: str, meaning: str) -> Callable:
    """A flag `--name`, off without, for `parse`."""
    return lambda values: flags.DEFINE_bool(name, False, meaning, flag_values=values)
