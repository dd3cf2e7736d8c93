"""`launch.py check`: what a config builds."""

from genlab.commands import flags
from genlab.commands.inputs import CONFIG, required
from genlab.config.override import resolved
from genlab.process.programs import keep_programs
from genlab.process.streams import deliver
from genlab.training.check import describe


def run(arguments: list[str]) -> None:
    """Builds a config without training it: shapes, parameters, memory."""
    values, overrides = flags.parse(arguments, CONFIG)
    keep_programs()
    config, _ = resolved(required(values.config, "config"), overrides)
    deliver(describe(config))
