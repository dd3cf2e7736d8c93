"""`genlab list`: the parts that there are."""

import argparse
import json

HELP = "list the parts that configs choose from, or show one"
EXAMPLES = """\
  genlab list                      everything
  genlab list objectives           one kind
  genlab list elbo                 one part: its docstring, knobs, needs and families
  genlab list plots samples        one part of a kind, where several have its name
  genlab list configs dcgan        a config: its header, variants and sweeps
  genlab list --json               all of it for a program"""
ROOM = "genlab.config.catalogue"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which."""
    parser.add_argument("kind", nargs="?", default="", metavar="KIND", help="a kind")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="a part")
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(values: argparse.Namespace) -> None:
    """Every registered part with its knobs, defaults and paper."""
    from genlab.config import catalogue
    from genlab.process.streams import deliver

    kind, name = values.kind, values.name
    if meant := catalogue.kind_of(kind):
        kind = meant
    elif kind and not name:
        kind, name = "", kind  # a part's name alone
    parts = catalogue.one(kind, name) if name else catalogue.collect(kind)
    if values.json:
        deliver(json.dumps(parts, indent=1))
    else:
        deliver(catalogue.render_whole(parts) if name else catalogue.render(parts))
