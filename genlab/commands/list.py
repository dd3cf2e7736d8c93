"""`launch.py list`: the parts that there are."""

import json

from genlab.commands import flags
from genlab.config import catalogue
from genlab.process.streams import deliver


def run(arguments: list[str]) -> None:
    """Every registered part with its knobs, defaults and paper."""
    kind = ""
    if arguments and not arguments[0].startswith("-"):
        kind, *arguments = arguments
    values, _ = flags.parse(arguments, flags.switch("json", "machine-readable"))
    parts = catalogue.collect(kind)
    deliver(json.dumps(parts, indent=1) if values.json else catalogue.render(parts))
