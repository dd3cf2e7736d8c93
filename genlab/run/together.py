"""Whether all processes of a run were started alike: their config, packages and data are compared."""

import importlib.metadata
from typing import Any

from genlab.config.paths import without_homes
from genlab.data.fingerprint import fingerprint
from genlab.errors import InputError
from genlab.process import peers
from genlab.run.course import Course
from genlab.run.folder import PACKAGES
from genlab.values import flat_keys

_DIFFER = ("data.data_dir",)  # each machine may have the data in a place of its own


def check_config(config: dict[str, Any]) -> None:
    """Refuses a plain config, or packages, that are not those of the first process.

    Raises:
      InputError: names the first key that differs; the place of a file may.
    """
    if peers.count() == 1:
        return
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    flat = flat_keys(without_homes(config))
    told = {f"--config.{key}": v for key, v in flat.items() if key not in _DIFFER}
    _compare(told | versions)


def check_data(course: Course) -> None:
    """Refuses data that are not those of the first process.

    Raises:
      InputError: names the stage whose data differ.
    """
    if peers.count() == 1:
        return
    prints = {f"the data of {r.stage}": fingerprint(r.source) for r in course.recipes}
    parts = {what: found["parts"] for what, found in prints.items()}
    _compare(flat_keys(parts))


def _compare(mine: dict[str, Any]) -> None:
    first = peers.from_first(lambda: mine)
    for key in sorted({*first, *mine}):
        here, there = mine.get(key), first.get(key)
        if _plain(here) != _plain(there):
            raise InputError(
                f"{key} is {here!r} in process {peers.index()} and {there!r} in the first; all"
                " processes of a run are started alike (--num-processes=1 trains in each alone)"
            )


def _plain(value: Any) -> Any:
    """As JSON keeps it."""
    return list(map(_plain, value)) if isinstance(value, tuple | list) else value
