"""Whose code may run: a part named by its import path is imported only if it was vouched for.

Config files and the command line are code, and what they name is vouched for as they are read.
Everything else is data: that a run folder's `config.json` names a part is no reason to import it.
A command imports nothing else. A program of the user's own imports what it asks for itself, and of
what a run folder asks for as little as a command.
"""

import contextlib
import dataclasses
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_collections import FieldReference

from genlab.errors import InputError, suggest
from genlab.values import is_unset

LISTED = "GENLAB_TRUST"  # the variable with modules that the user trusts, by commas


@dataclasses.dataclass
class _Trust:
    """What is vouched for, names as `module:attribute`, and where foreign ones were met; the folder
    of the config of the user's own that was read last."""

    command: bool = False
    home: str = ""
    everything: bool = False
    vouched: set[str] = dataclasses.field(default_factory=set)
    foreign: dict[str, str] = dataclasses.field(default_factory=dict)


_trust = _Trust()
_imported: set[str] = set()  # modules of parts that were named by their paths


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Inside, what nobody vouched for is not imported, wherever its name comes from."""
    global _trust
    outer, _trust = _trust, _Trust(command=True)
    try:
        yield
    finally:
        _trust = outer


def everything() -> None:
    """Vouches for every part that will be named, as --trust does."""
    _trust.everything = True


def is_everything() -> bool:
    """Whether the user said --trust."""
    return _trust.everything


def vouch(tree: Any) -> None:
    """Vouches for every part that a config, or a value of one, names by its path."""
    for _, name in _paths(tree):
        # A folder that was given such a name is a place to read from, and names no part.
        if not os.path.lexists(name):
            _trust.vouched.add(name)


def distrust(tree: Any, file: Path) -> None:
    """Notes the parts that a config out of a run folder names: they are not the caller's own."""
    for key, name in _paths(tree):
        _trust.foreign.setdefault(name, f"{key} in {str(file)!r}")


def check(kind: str, name: str) -> None:
    """Raises InputError unless the part `module:attribute` may be imported."""
    module = name.partition(":")[0]
    listed = filter(None, map(str.strip, os.environ.get(LISTED, "").split(",")))
    packages = [module, *(module[:i] for i, sign in enumerate(module) if sign == ".")]
    if (
        _trust.everything
        or name in _trust.vouched
        or not set(packages).isdisjoint(listed)
        or not (_trust.command or name in _trust.foreign)
    ):
        _trust.vouched.add(name)
        return
    where = _trust.foreign.get(name, "nothing that you wrote")
    allowed = "--trust" if _trust.command else "trust=True where the run is opened"
    raise InputError(
        f"{kind} {name!r} is code that {where} names, and it is not imported; if you know whose"
        f" it is, {allowed} allows it, or {LISTED}={module} in the environment for good"
    )


def imported(kind: str, name: str, known: Iterable[str]) -> Callable:
    """The part `module:attribute`, if its code may run.

    Args:
      kind: what messages call such a part, `objective`.
      name: its import path.
      known: names that might have been meant.

    Raises:
      InputError: code that nobody vouched for, no such module or attribute, a module that fails, or
        something that is neither a function nor a class.
    """
    module, _, attribute = name.partition(":")
    if module.endswith(".py") or "/" in module:
        stem = Path(module).stem
        raise InputError(
            f"{kind} {name!r}: a module is named without path and suffix, {stem}:{attribute}; it is looked for beside"
            " the config and in the working folder"
        )
    if module.partition(".")[0] in sys.stdlib_module_names:
        raise InputError(
            f"{kind} {name!r} is Python's own and no part; one of your own is named by its path,"
            " 'my_module:my_part'"
        )
    check(kind, name)
    search()
    try:
        loaded = importlib.import_module(module)
        _refuse_namesake(f"{kind} {name!r}", module)
        part = getattr(loaded, attribute)
    except ModuleNotFoundError as error:
        raise InputError(
            f"unknown {kind} {name!r}: no registered name and no module {error.name!r} on the"
            f" Python path{suggest(module, known)}"
        ) from error
    except AttributeError as error:
        own = [
            each
            for each, made in vars(sys.modules[module]).items()
            if callable(made) and getattr(made, "__module__", "") == module
        ]
        hint = suggest(attribute, own) if own else ""
        raise InputError(f"{kind} {name!r}: {error}{hint}") from error
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever the module does, imported
        raise InputError(
            f"{kind} {name!r}: the module cannot be imported ({type(error).__name__}: {error})"
        ) from error
    if not callable(part) or inspect.isbuiltin(part):
        raise InputError(f"{kind} {name!r} is neither a function nor a class")
    _imported.add(module)
    return part


def modules_of(tree: Any) -> list[str]:
    """The modules of the parts that a config names by their paths, of those that were imported."""
    named = {name.partition(":")[0] for _, name in _paths(tree)}
    return sorted(named & _imported)


def search(home: Path | None = None, others: Iterable[Path] = ()) -> None:
    """Lets code of the user's own be found beside a config and in the working folder, after all
    other places.

    Nothing is looked for there before such code is loaded, or a folder from elsewhere could bring
    the optional dependency that is not installed.

    Args:
      home: the folder of the config; None leaves it at those that were searched before.
      others: folders that come before it.
    """
    if home is not None:
        _trust.home = os.path.abspath(home)
    places = [os.path.abspath(other) for other in others]
    places += [_trust.home] if _trust.home else []
    with contextlib.suppress(OSError):  # a folder that was deleted under our feet
        places.append(os.getcwd())
    sys.path += [place for place in dict.fromkeys(places) if place not in sys.path]


def _refuse_namesake(what: str, module: str) -> None:
    """Refuses a module from elsewhere where one of its name lies beside the config."""
    top = module.partition(".")[0]
    found = getattr(sys.modules[top], "__file__", None)
    for meant in (f"{_trust.home}/{top}.py", f"{_trust.home}/{top}/__init__.py"):
        if not _trust.home or not found or not os.path.isfile(meant):
            continue
        if os.path.realpath(meant) != os.path.realpath(found):
            raise InputError(
                f"{what}: {meant!r} lies beside the config, and {found!r} is imported in its place;"
                " give it a name of its own"
            )


def _paths(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a tree that could be an import path, with its dotted key."""
    if isinstance(tree, FieldReference):
        tree = None if is_unset(tree) else tree.get()
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _paths(value, f"{key}.{name}" if key else str(name))
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _paths(value, key)
    elif isinstance(tree, str) and ":" in tree:
        yield key, tree
