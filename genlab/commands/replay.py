"""`genlab replay`: where a loss that was not finite came from."""

import argparse
from pathlib import Path

from genlab.commands import flags

HELP = "show where a loss that was not finite arose"
EXAMPLES = """\
  genlab replay --workdir=runs/dcgan

A run that ends on a loss that is not finite keeps the state before it. From there the rounds are played with the
same examples and the same randomness, and the failing one operation by operation. Shown are the player, the
term, the part or layer and the line in which the first number arose that is not finite, and what it was given. The
exit code is 0 if it happened again, 1 if not."""
ROOM = "genlab.training.replay"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Of which run."""
    flags.workdir(parser)
    flags.place(parser)


def run(values: argparse.Namespace) -> None:
    """Shows where the loss that a run ended on was not finite first."""
    from genlab.commands.inputs import place
    from genlab.process.programs import keep_programs
    from genlab.process.streams import deliver
    from genlab.training.replay import replay

    keep_programs()
    deliver(str(replay(Path(values.workdir), place(values))))
