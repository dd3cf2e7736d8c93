"""The program of a trial's process: this Python, and modules from where this process has them."""

import os
import sys
from pathlib import Path

import genlab

HOME = Path(genlab.__file__).resolve().parent.parent

# genlab comes from its own place, all else from where this process has it.
_PROGRAM = (
    "import sys; sys.path[:] = {first!r}; import genlab; sys.path[:] = {paths!r};"
    " from genlab.__main__ import entry; entry()"
)


def launch(*arguments: str) -> list[str]:
    """The command of a process that does what `genlab` with these arguments does.

    It imports what this process imports, wherever it is started and whatever lies there: the
    places are in the command itself, since a variable could not hold one with a colon in its name.
    """
    paths = import_paths()
    program = _PROGRAM.format(first=[str(HOME), *paths], paths=paths)
    return [sys.executable, "-P", "-c", program, *arguments]


def import_paths() -> list[str]:
    """Where modules are looked for: the places of this process, its folder last."""
    here = os.getcwd()
    places = [os.path.abspath(entry) for entry in sys.path]
    others = [place for place in places if place != here and os.path.exists(place)]
    return list(dict.fromkeys([*others, here]))
