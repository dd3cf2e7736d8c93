"""Files beside a run's checkpoints, as they are read: one that is damaged is passed over, and named."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.files import opened

_log = logging.getLogger("genlab")
# What was said: some files are looked at again and again.
_told: set[tuple[str, str]] = set()


def read(path: Path, is_whole: Callable[[Any], bool]) -> Any | None:
    """What a JSON file holds.

    Args:
      path: the file.
      is_whole: whether a content is what belongs into it; what it raises counts as no.

    Returns:
      The content; None without the file, or, with a warning, where it is damaged.
    """
    if (text := content_of(path)) is None:
        return None
    content = parsed(text, is_whole)
    return pass_over(path, "it is damaged") if content is None else content


def content_of(path: Path) -> bytes | None:
    """The bytes of a file; None without it, or, with a warning, where it cannot be read."""
    try:
        with opened(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, InputError) as error:
        return pass_over(path, getattr(error, "strerror", None) or str(error))


def parsed(text: str | bytes, is_whole: Callable[[Any], bool]) -> Any | None:
    """The content of a JSON text, None where it is not whole."""
    try:
        content = json.loads(text)
        return content if is_whole(content) else None
    # RecursionError: of brackets nested deeper than Python's stack.
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def metrics_line(text: str | bytes) -> dict[str, Any] | None:
    """A line of `metrics.jsonl`: step, split and values; None for one that is not whole."""
    return parsed(text, _is_line)


def _is_line(content: Any) -> bool:
    values = content["values"]
    return (
        type(content["step"]) is int
        and isinstance(content["split"], str)
        and all(map(is_number_or_none, values.values()))
    )


def is_number_or_none(value: Any) -> bool:
    """Whether it is a value as files have them: a number that is a float too, None for no number."""
    return value is None or (isinstance(value, int | float) and not abs(value) > 1e308)


def pass_over(path: Path, why: str) -> None:
    """Warns, once each, that a file is passed over."""
    if (str(path), why) not in _told:
        _told.add((str(path), why))
        _log.warning("%s is passed over: %s", path, why)
