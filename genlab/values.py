"""Values of configs: what JSON keeps, and what becomes of the rest."""

import math
import os
import reprlib
from typing import Any

from ml_collections import ConfigDict, FieldReference
from ml_collections.config_dict import RequiredValueError

from genlab.errors import InputError


def check(value: Any, key: str, *, complete: bool = True) -> Any:
    """The value as JSON keeps it.

    Args:
      value: of a config, or the whole of it.
      key: what a message calls it.
      complete: whether every placeholder has to be set; one that is not is None otherwise.

    Raises:
      InputError: JSON does not keep it, or a placeholder in it is unset.
    """
    value = simple(value)
    if isinstance(value, FieldReference):
        if is_unset(value):
            if not complete:
                return None
            name = key.removeprefix("config.")
            raise InputError(
                f"{key} is a placeholder that nothing sets; --config.{name}=VALUE does"
            )
        value = simple(value.get())
    if isinstance(value, ConfigDict | dict):
        return {
            _key(name, key): check(v, f"{key}.{name}", complete=complete)
            for name, v in items(value)
        }
    if isinstance(value, tuple | list):
        return [check(item, key, complete=complete) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise InputError(
        f"{key}={_short(value)} is of no use in a config; finite numbers of 64 bits, text, True,"
        " False, None, and dicts and tuples of them are"
    )


def simple(value: Any) -> Any:
    """Scalars and arrays of NumPy and JAX as numbers and tuples, paths as text, others as they are."""
    if hasattr(value, "tolist"):
        return _tuples(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def copied(tree: Any) -> Any:
    """Dicts, tuples and simple values anew, links and placeholders as what they are."""
    if isinstance(tree, ConfigDict | dict):
        return {key: copied(value) for key, value in items(tree)}
    value = simple(tree)
    return tuple(map(copied, value)) if isinstance(value, tuple | list) else value


def items(tree: ConfigDict | dict) -> list[tuple[Any, Any]]:
    """Keys and values, links and placeholders as what they are."""
    if isinstance(tree, ConfigDict):
        return list(tree.items(preserve_field_references=True))
    return list(tree.items())


def flat_keys(tree: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The values of a nested dict by dotted name."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= flat_keys(value, f"{path}{key}.")
        else:
            flat[f"{path}{key}"] = value
    return flat


def is_unset(value: Any) -> bool:
    """Whether it is a placeholder that nothing has set yet."""
    try:
        return isinstance(value, FieldReference) and value.get() is None
    except RequiredValueError:
        return True


def _key(name: Any, home: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"{home} has the key {name!r}, which is no text")
    return name


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _short(value: Any) -> str:
    if isinstance(value, int):  # Python refuses to spell out the longest
        return f"an integer of {value.bit_length():,} bits"
    return reprlib.repr(value)
