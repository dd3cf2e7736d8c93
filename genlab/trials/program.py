"""The program of a trial's process: this Python, and modules from where this process has them."""

import os
import sys
from pathlib import Path

import genlab

HOME = Path(genlab.__file__).resolve().parent.parent

_PROGRAM = (
    "import sys; sys.path[:] = {paths!r};"
    " from genlab.commands.cli import main; sys.exit(main(sys.argv))"
)


def launch(*arguments: str) -> list[str]:
    """The command of a process that does what `launch.py` with these arguments does.

    It imports what this process imports, wherever it is started and whatever lies there: the
    places are in the command itself, since a variable could not hold one with a colon in its name.
    """
    program = _PROGRAM.format(paths=import_paths())
    return [sys.executable, "-P", "-c", program, *arguments]


def import_paths() -> list[str]:
    """Where modules are looked for: genlab's own place, those of this process, its folder last.

    A folder `genlab`, `experiments` or `configs` of the user's then hides none of genlab's.
    """
    here = os.getcwd()
    places = [os.path.abspath(entry) for entry in sys.path]
    others = [place for place in places if place != here and os.path.exists(place)]
    ordered = dict.fromkeys([str(HOME), *others])
    ordered.setdefault(here)
    return list(ordered)
