"""The command `genlab`, which is `python -m genlab` and `python launch.py` too."""

import sys

from genlab.process import peers
from genlab.process.signals import importing


def entry() -> None:
    """Runs the command that the process was given, and ends with its exit code."""
    with importing():
        from genlab.commands.cli import main
    peers.leave(main(sys.argv))


if __name__ == "__main__":
    entry()
