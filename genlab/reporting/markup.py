"""Values of a run or a sweep as the templates print them: text that a page may hold, short numbers."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

# Control characters and halves of surrogate pairs, which no page may hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(value: Any) -> Any:
    """What a template prints, without what no page may hold; escaping comes after."""
    if isinstance(value, Markup):
        return value
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))


def words(name: Any) -> str:
    """A metric's or plot's name as words."""
    return str(name).replace("_", " ")


def short(value: Any) -> str:
    """A number with as many digits as one reads, anything else as it is."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.5g}" if math.isfinite(value) else "not finite"
    return value if isinstance(value, str) else json.dumps(value)


def listed(pairs: Mapping[str, Any]) -> str:
    """`train.steps = 400, seed = 1`."""
    return ", ".join(f"{key} = {short(value)}" for key, value in pairs.items())


def interval(pair: tuple[float, float] | list[float] | None) -> str:
    """`0.975 to 0.995`; empty for None."""
    return "" if pair is None else " to ".join(map(short, map(float, pair)))


def moment(value: Any) -> str:
    """A date as files have it as it is read, `2026-11-26 05:53 UTC`; empty for what is none."""
    try:
        found = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return ""
    return found.strftime("%Y-%m-%d %H:%M UTC")


def seconds_between(begin: Any, end: Any) -> float | None:
    """Seconds from one date of a file to another; None where one is missing or they are not in order."""
    try:
        seconds = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    except (TypeError, ValueError):
        return None
    return seconds.total_seconds() if seconds.total_seconds() >= 0 else None


def script_json(value: Any) -> Markup:
    """JSON that may stand in a script element: no `<` can close it."""
    content = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        content = content.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(content)


def six_digits(value: float | None) -> float | None:
    """A number cut to what a picture can show, None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
