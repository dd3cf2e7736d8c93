"""Times as they are written and read."""

from datetime import UTC, datetime


def now() -> str:
    """This moment, `2026-11-26T05:53:15+00:00`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def told(seconds: float) -> str:
    """`9 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`."""
    whole = round(seconds)
    for size, name, smaller, below in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // smaller} {below}"
    return f"{whole} s"
