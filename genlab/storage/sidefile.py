"""Files beside a run's checkpoints, as they are read: one that is damaged is passed over, and named."""

import io
import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from genlab.errors import InputError
from genlab.storage.files import MOST_BYTES, content

MAX_PICTURE = 2**26  # pixels, and bytes of a file

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
    found = parsed(text, is_whole)
    return pass_over(path, "it is damaged") if found is None else found


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, whatever it holds; None as of `read`."""
    return read(path, lambda content: isinstance(content, dict))


def read_picture(path: Path) -> tuple[bytes, Image.Image] | None:
    """A PNG file, and the whole picture in it; None as of `read`.

    Pillow hands some other formats, whatever the file is called, to programs.
    """
    if (encoded := content_of(path, MAX_PICTURE)) is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(encoded), formats=("PNG",))
            if picture.width * picture.height > MAX_PICTURE:
                return pass_over(path, f"it has more than {MAX_PICTURE:,} pixels")
            picture.load()
            return encoded, picture
    except Exception:  # noqa: BLE001 whatever Pillow makes of one that is damaged
        return pass_over(path, "it is no whole PNG file")


def content_of(path: Path, most: int = MOST_BYTES) -> bytes | None:
    """The bytes of a file, `most` at most; None without it, or, with a warning, unreadable."""
    try:
        return content(path, most)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, InputError) as error:
        return pass_over(path, getattr(error, "strerror", None) or str(error))


def parsed(text: str | bytes, is_whole: Callable[[Any], bool]) -> Any | None:
    """The content of a JSON text, None where it is not whole."""
    try:
        found = json.loads(text)
        return found if is_whole(found) else None
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
