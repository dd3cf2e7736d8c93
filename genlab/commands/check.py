"""`launch.py check`: what a config builds."""

from genlab.commands import flags
from genlab.commands.inputs import CONFIG, load_config, prepare_jax, required
from genlab.process.streams import deliver
from genlab.training.check import describe


def run(arguments: list[str]) -> None:
    """Builds a config without training it: shapes, parameters, memory."""
    values, overrides = flags.parse(arguments, CONFIG)
    prepare_jax()
    config, _ = load_config(required(values.config, "config"), overrides)
    deliver(describe(config))
