"""What was measured of a game, as a table."""

from typing import Any

from benchmarks.gpu.entry import Entry

HEAD = (
    "| contender | precision | images/s | slowest to fastest | {ratio} |"
    " peak device memory | idle | error of a product | ready after |"
)


def of(entries: list[Entry]) -> str:
    """A line for each contender of a game, and one for each that failed."""
    population = entries[0].game == "population"
    reference = next(
        (e for e in entries if e.label in ("one", "torch") and e.images), None
    )
    lines = [HEAD.format(ratio="time / one" if population else "speed / torch")]
    lines.append("|---" * 9 + "|")
    lines += [_line(entry, reference, population) for entry in entries if entry.images]
    failed = [f"{e.label} failed: {e.failed}" for e in entries if e.failed]
    return "\n".join([*lines, *failed])


def size_told(size: dict[str, Any]) -> str:
    """`batch 128, width 64`."""
    hidden = ("mnist", "members", "per_call")
    told = [f"{name} {value}" for name, value in size.items() if name not in hidden]
    return ", ".join([*told, f"{size['per_call']} rounds a call"])


def _line(entry: Entry, reference: Entry | None, population: bool) -> str:
    ratio = ""
    if reference:
        speed = entry.median / reference.median
        # Of a population, how long a round of all members takes against one of a lone run.
        members = max(1, entry.size.get("members", 1))
        ratio = f"{members / speed if population else speed:.2f}"
    facts = entry.facts
    cells = (
        entry.label,
        facts.get("dtype", ""),
        f"{entry.median:,.0f}",
        f"{min(entry.images):,.0f} to {max(entry.images):,.0f}",
        ratio,
        f"{facts['peak_mib']:,.0f} MiB" if facts else "",
        f"{entry.idle:.0%}" if entry.idle is not None else "unknown",
        f"{facts['product_error']:.0e}" if facts else "",
        f"{entry.ready:.0f} s",
    )
    return f"| {' | '.join(cells)} |"
