"""What a run folder's `config.json` holds beside the config, read."""

import json
from pathlib import Path
from typing import Any

from genlab import trust
from genlab.errors import InputError
from genlab.run.defaults import Defaults
from genlab.run.sources import Sources, are_sources
from genlab.storage import files


def read(workdir: Path) -> dict[str, Any]:
    """All that config.json holds.

    Raises:
      OSError: there is none, or none that can be read.
      ValueError, TypeError: it is no record of a run.
    """
    try:
        content = json.loads(files.content(workdir / "config.json"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise TypeError("it holds no config")
    return content


def text(workdir: Path, key: str) -> str:
    """A text that config.json holds; empty where there is none, or no record that can be read."""
    try:
        found = read(workdir).get(key)
    except (OSError, ValueError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def sources(workdir: Path) -> Sources:
    """The code of a run as its folder keeps it; empty where the run is older than that, or damaged."""
    found = read(workdir).get("sources")
    return found if are_sources(found) else {}


def defaults(workdir: Path) -> Defaults:
    """The defaults that a run was made with; empty where the run is older than that."""
    found = read(workdir).get("defaults")
    trust.distrust(found, workdir / "config.json")
    return found if isinstance(found, dict) else {}


def data(workdir: Path) -> dict[str, Any] | None:
    """The fingerprint and the facts of a run's data; None where the run is older than these.

    Raises:
      InputError: a record that no run writes.
    """
    path = workdir / "config.json"
    known = read(workdir).get("data")
    if known is None:
        return None
    if not isinstance(known, dict) or not all(
        isinstance(known.get(part), dict) for part in ("fingerprint", "facts")
    ):
        raise InputError(f"{str(path)!r}: 'data' is not what a run writes")
    return known
