"""One self-contained page from a template: its styles, script and data inside, under a policy."""

import base64
import functools
import hashlib
import json
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from genlab.process.duration import told
from genlab.reporting import markup, still


def render(
    template: str, styles: tuple[str, ...], scripts: tuple[str, ...], **parts: Any
) -> str:
    """The page of a template of this folder.

    Every value that it prints is escaped. Its content policy lets it load and send nothing, and run
    this very script alone: a name from a config cannot smuggle one in.

    Args:
      template: file that extends `page.html`.
      styles: files that are its styles.
      scripts: files that run as one script, in this order.
      parts: what the template names.
    """
    script = "".join(map(_asset, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup("".join(map(_asset, styles))),
            script=Markup(script),
            policy=policy,
            **parts,
        )
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=markup.printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": told,
        "interval": markup.interval,
        "json": markup.script_json,
        "listed": markup.listed,
        "plain_json": json.dumps,
        "moment": markup.moment,
        "short": markup.short,
        "words": markup.words,
    }
    environment.globals |= {"still": still.chart, "still_bars": still.bars}
    return environment


def _asset(name: str) -> str:
    return resources.files("genlab.reporting").joinpath(name).read_text("utf-8")
