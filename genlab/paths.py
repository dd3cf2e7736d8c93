"""Paths that people type: `~` is the home folder, and a config's are recorded whole."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

from genlab.errors import InputError
from genlab.registry import datasets

# Keys that hold a path: of a config, of its data, and of parts of genlab's own.
KEYS = ("init_from", "data_dir", "cache_dir", "run", "weights")


def expanded(path: str) -> str:
    """The path with the home folder in the place of a leading `~` or `~user`.

    Raises:
      InputError: nobody knows where home is; a folder called `~` is never meant.
    """
    whole = os.path.expanduser(path)
    if whole == path and path.partition("/")[0] == "~":
        raise InputError(f"{path!r} is in a home folder, and HOME is not set")
    return whole


def absolute(config: Mapping[str, Any]) -> dict[str, Any]:
    """A plain config whose paths can be followed from any working folder."""
    return {key: _absolute(config, key, value) for key, value in config.items()}


def _absolute(home: Mapping[str, Any], key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        value = absolute(value)
        if key == "data" and isinstance(value.get("name"), str):
            value["name"] = _absolute_argument(value["name"])
        return value
    if isinstance(value, list):
        return [_absolute(home, "", item) for item in value]
    of_ones_own = ":" in str(home.get("name")) and key not in ("data_dir", "init_from")
    if key in KEYS and isinstance(value, str) and not of_ones_own:
        return _whole(value)
    return value


def _absolute_argument(name: str) -> str:
    """`folder:PATH` with the whole path; the argument of another data set stays as it is."""
    head, _, argument = name.partition(":")
    if head not in datasets:
        return name
    first = next(iter(inspect.signature(datasets.find(head)).parameters), "")
    return f"{head}:{_whole(argument)}" if first == "path" and argument else name


def _whole(path: str) -> str:
    if not path or "://" in path:  # a bucket in a cloud
        return path
    return os.path.abspath(expanded(path))
