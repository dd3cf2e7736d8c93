"""How this process was called, and how whoever reads of it calls genlab himself."""

import shlex
import sys
from pathlib import Path

# What is called so is genlab: the script, `python -m genlab`, the process of a trial.
_OWN = ("genlab", "__main__.py", "-c")


def program() -> str:
    """`genlab`, or `python launch.py` where that was called."""
    return "python launch.py" if _name() == "launch.py" else "genlab"


def line() -> str:
    """The command that runs, as a shell takes it."""
    called = ["genlab"] if _name() in _OWN else ["python", *sys.argv[:1]]
    return shlex.join([*called, *sys.argv[1:]])


def _name() -> str:
    return Path(sys.argv[0]).name if sys.argv else ""
