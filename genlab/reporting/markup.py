"""Text of a run or a sweep as HTML: escaped once, here, and numbers as one reads them."""

import html
import json
import math
import re
from typing import Any

# Control characters and halves of surrogate pairs, which no page may hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def text(value: Any) -> str:
    """Any value as text that may stand between tags or in a quoted attribute."""
    return html.escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def words(name: str) -> str:
    """A metric's or plot's name as words, escaped."""
    return text(str(name).replace("_", " "))


def short(value: Any) -> str:
    """A number with as many digits as one reads, anything else as it is; not escaped."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value)


def definitions(pairs: dict[str, Any], *, kind: str) -> str:
    """A definition list of names and values; nothing at all where there are none."""
    rows = "".join(
        f"<div><dt>{words(name)}</dt><dd>{text(short(value))}</dd></div>"
        for name, value in pairs.items()
    )
    return f'<dl class="{kind}">{rows}</dl>' if rows else ""


def empty(sentence: str) -> str:
    """A sentence, already HTML, in the place of what is not there yet."""
    return f'<p class="note">{sentence}</p>'


def script_json(value: Any) -> str:
    """JSON that may stand in a script element: no `<` can close it."""
    content = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return (
        content.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )


def six_digits(value: float | None) -> float | None:
    """A number cut to what a picture can show, None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
