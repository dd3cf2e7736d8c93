"""Values of a sweep as overrides have them: plain numbers and texts, whoever made them."""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

from ml_collections import FieldReference

from genlab.errors import InputError


def plain(value: Any, origin: str) -> Any:
    """The value as JSON and the command line can say it; sequences become tuples.

    NumPy's and JAX's scalars and arrays are numbers and tuples of them, paths are texts, and a
    reference is what it stands for.

    Args:
      value: of an override.
      origin: whose it is, for the message.

    Raises:
      InputError: a value of another kind.
    """
    if isinstance(value, FieldReference):
        return plain(value.get(), origin)
    if isinstance(value, PurePath):
        return plain(str(value), origin)
    if hasattr(value, "tolist"):  # an array, or a scalar that came out of one
        return plain(value.tolist(), origin)
    if isinstance(value, tuple | list):
        return tuple(plain(one, origin) for one in value)
    if isinstance(value, Mapping):
        return {str(key): plain(one, origin) for key, one in value.items()}
    known = value is None or type(value) in (bool, int, float, str)
    if not known or (isinstance(value, float) and not math.isfinite(value)):
        raise InputError(
            f"{origin}: {value!r} is of type {type(value).__name__}, which no override says;"
            " finite numbers, texts, True, False, None and tuples of them are"
        )
    if isinstance(value, str) and "\0" in value:
        raise InputError(f"{origin}: {value!r} has a zero byte, which no flag can hold")
    return value


def listed(values: Any, origin: str) -> list[Any]:
    """The values of one key, in order; a text or a number is one value.

    Raises:
      InputError: a set, which has no order, a dict, or values that `plain` refuses.
    """
    if isinstance(values, AbstractSet | Mapping):
        raise InputError(
            f"{origin}: {values!r} is a {type(values).__name__}, not values in an order;"
            " give a tuple"
        )
    alone = isinstance(values, str | bytes | PurePath | FieldReference)
    if alone or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) == 0:
        values = (values,)
    return [plain(value, origin) for value in values]
