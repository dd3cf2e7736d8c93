"""How this process was called, and how whoever reads of it calls genlab himself."""

import shlex
import sys
from pathlib import Path

# What is called so is genlab: the script, `python -m genlab`, the process of a trial.
_OWN = ("genlab", "-c")


def program() -> str:
    """`genlab`, or `python launch.py` where that was called."""
    return "python launch.py" if _name() == "launch.py" else "genlab"


def line(*, without: str | None = None) -> str:
    """The command that runs, as a shell takes it.

    Args:
      without: name of a flag that is left out with its value; None for none.
    """
    called = ["genlab"] if _name() in _OWN else ["python", *sys.argv[:1]]
    words = iter(sys.argv[1:])
    for word in words:
        name, equals, _ = word.partition("=")
        if without is None or name != f"--{without}":
            called.append(word)
        elif not equals:
            next(words, None)
    return shlex.join(called)


def _name() -> str:
    """What the process was called as: a script, or a package."""
    path = Path(sys.argv[0] if sys.argv else "")
    return path.parent.name if path.name == "__main__.py" else path.name
