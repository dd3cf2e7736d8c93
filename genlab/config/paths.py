"""The paths in a config, which are recorded whole."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

from genlab.config.files import expanded
from genlab.errors import InputError
from genlab.registry import datasets

# Keys that hold a path: of a config, of its data, and of parts of genlab's own.
KEYS = ("init_from", "data_dir", "cache_dir", "run", "weights")
_NO_PARTS = ("", "stages[]")  # a name of the config, or of a stage, is no part's


def absolute(config: Mapping[str, Any]) -> dict[str, Any]:
    """A plain config whose paths can be followed from any working folder."""
    return _absolute(config, "", own=False)


def without_homes(tree: Any) -> Any:
    """A plain config, or a value in it, as others are given it: of every whole path its last part.

    Where the files of a run lay is nobody's concern. Addresses, `gs://bucket/...`, stay.
    """
    if isinstance(tree, Mapping):
        return {key: without_homes(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [without_homes(value) for value in tree]
    if not isinstance(tree, str) or "://" in tree:
        return tree
    if os.path.isabs(tree):
        return os.path.basename(os.path.normpath(tree))
    head, _, argument = tree.partition(":")
    return f"{head}:{without_homes(argument)}" if os.path.isabs(argument) else tree


def _absolute(tree: Mapping[str, Any], home: str, own: bool) -> dict[str, Any]:
    """What the key `home` holds, all of whose keys mean what they like in a part of one's `own`."""
    name = str(tree.get("name"))
    head, colon, _ = name.partition(":")
    of_data = home == "data" and head in datasets
    foreign = bool(colon) and home not in _NO_PARTS and not of_data
    keys = () if own else ("data_dir", "init_from") if foreign else KEYS

    def followed(key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return _absolute(value, key, own or foreign)
        if isinstance(value, list):
            return [followed(f"{key}[]", item) for item in value]
        return _whole(value) if key in keys and isinstance(value, str) else value

    whole = {key: followed(key, value) for key, value in tree.items()}
    if home == "data" and not own and isinstance(whole.get("name"), str):
        whole["name"] = _absolute_argument(name)
    return whole


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


def refuse_bare(name: str) -> None:
    """Raises InputError for the path of data without the kind of reader before it."""
    if ":" in name or name in datasets or not os.path.exists(name):
        return
    suffix = os.path.splitext(name)[1].removeprefix(".")
    kind = "folder" if os.path.isdir(name) else suffix
    hint = f"data.name={kind}:{name} reads it" if kind in datasets else ""
    raise InputError(f"data.name={name!r} is a path; {hint or 'save it as .npz'}")
