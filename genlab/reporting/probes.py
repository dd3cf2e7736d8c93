"""The table of a run's probes, as its page shows it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab.storage import sidefile

FILE = "probe.json"
BASELINES = 3  # that codes may beat


@dataclass(frozen=True)
class Cell:
    """One number: its value, and in per cent with its interval as they are shown."""

    value: float
    told: str
    interval: str


@dataclass(frozen=True)
class Line:
    """What one kind of features is called, how wide it is, and its number for each column, if any."""

    name: str
    width: int
    cells: list[Cell | None]


@dataclass(frozen=True)
class Probes:
    """The table.

    Attributes:
      step: rounds of the state that was probed.
      columns: names of the probes.
      lines: one for each kind of features.
      protocol: how the numbers came about, in words.
    """

    step: int
    columns: list[str]
    lines: list[Line]
    protocol: dict[str, str]


def read_probes(path: Path) -> Probes | None:
    """The table in `probe.json`; None without the file, or, with a warning, where it is damaged."""
    found = sidefile.read(path, _is_record)
    if found is None:
        return None
    rows = found["rows"]
    columns = list(dict.fromkeys(row["probe"] for row in rows))
    lines = []
    for name in dict.fromkeys(row["features"] for row in rows):
        own = {row["probe"]: row for row in rows if row["features"] == name}
        width = next(iter(own.values()))["width"]
        cells = [_cell(own[c]) if c in own else None for c in columns]
        lines.append(Line(name, width, cells))
    protocol = {
        str(key): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in found["protocol"].items()
        if value != []
    }
    return Probes(found["step"], columns, lines, protocol)


def _cell(row: dict[str, Any]) -> Cell:
    star = "*" if len(row["beats"]) == BASELINES else ""
    ends = row["low"], row["high"]
    interval = "" if None in ends else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"
    return Cell(row["value"], f"{100 * row['value']:.1f}{star}", interval)


def _is_record(content: Any) -> bool:
    return (
        type(content["step"]) is int
        and isinstance(content["protocol"], dict)
        and bool(content["rows"])
        and all(map(_is_row, content["rows"]))
    )


def _is_row(row: Any) -> bool:
    return (
        isinstance(row["probe"], str)
        and isinstance(row["features"], str)
        and type(row["width"]) is int
        and isinstance(row["beats"], list)
        and row["value"] is not None
        and all(
            sidefile.is_number_or_none(row[key]) for key in ("value", "low", "high")
        )
    )
