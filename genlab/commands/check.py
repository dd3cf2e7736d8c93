"""`genlab check`: what a config builds."""

import argparse

from genlab.commands import flags

HELP = "build a config without training it: shapes, parameters, memory"
EXAMPLES = """\
  genlab check --config=dcgan
  genlab check --config=mine.py --config.model.generator.width=64"""
ROOM = "genlab.training.check"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to build."""
    flags.config(parser, required=True)


def run(values: argparse.Namespace) -> None:
    """Builds a config without training it: shapes, parameters, memory."""
    from genlab.config.override import resolved
    from genlab.process.programs import keep_programs
    from genlab.process.streams import deliver
    from genlab.training.check import describe

    keep_programs()
    config, _ = resolved(values.config, values.overrides)
    deliver(describe(config))
