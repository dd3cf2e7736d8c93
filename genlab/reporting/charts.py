"""Which curves share a chart, and how few points draw them."""

import re
from collections import defaultdict
from typing import Any

from genlab.reporting.colors import color
from genlab.reporting.markup import words
from genlab.reporting.run import TIME, Curve, thin
from genlab.reporting.units import axis_name

ROUNDS = "rounds"  # the axis of everything that is logged

MAX_POINTS = 1000  # more than a chart has pixels
MAX_BROKEN = 100  # marks of values that were not finite

# Terms that differ only in one of these words are read against each other. An underscore is part
# of the look-around because \b does not see it as the end of a word.
_SIBLINGS = re.compile(
    r"(?<![a-z])(real|fake|generated|reconstructed|[ab])(?![a-z])|\d+"
)


def chart_groups(curves: list[Curve]) -> dict[str, list[dict[str, Any]]]:
    """Charts by heading (a player, `time`, or "" for the rest), ready for JSON.

    Returns:
      heading -> charts {title, file, log, x, y, series: [{name, split, color, steps, values, broken}]};
      `log` is whether the chart opens with a logarithmic axis, `x` and `y` are names of the axes,
      and `file` is what the chart is called outside the page.
    """
    owners = defaultdict(set)
    for curve in curves:
        owners[curve.term].add(curve.player)
    charts: dict[str, dict[str, list[Curve]]] = defaultdict(lambda: defaultdict(list))
    for curve in curves:
        charts[_heading(curve, owners[curve.term])][_stem(curve)].append(curve)
    order = sorted(charts, key=lambda heading: (heading == TIME, heading == ""))
    found = {}
    for heading in order:
        beside = {curve.term for group in charts[heading].values() for curve in group}
        ranked = _ranked(charts[heading])
        found[heading] = [
            _chart(heading, stem, members, beside) for stem, members in ranked
        ]
    return found


def decimate(
    steps: list[int], values: list[float], *, most: int = MAX_POINTS
) -> tuple[list[int], list[float]]:
    """At most `most` points of a curve: its ends, and between them each bucket's extremes.

    Args:
      steps: ascending.
      values: finite, one for each step.
      most: at least 4.

    Returns:
      steps, values of the points that are kept, in order.
    """
    indices = telling(values, most=most)
    return [steps[i] for i in indices], [values[i] for i in indices]


def telling(values: list[float], *, most: int) -> list[int]:
    """The indices, ascending, of the points that `decimate` keeps of a curve with these values."""
    count = len(values)
    if count <= most:
        return list(range(count))
    buckets = (most - 2) // 2
    kept = {0, count - 1}
    for bucket in range(buckets):
        start = 1 + bucket * (count - 2) // buckets
        stop = 1 + (bucket + 1) * (count - 2) // buckets
        kept.add(min(range(start, stop), key=values.__getitem__))
        kept.add(max(range(start, stop), key=values.__getitem__))
    return sorted(kept)


def _heading(curve: Curve, owners: set[str]) -> str:
    """Its player; a held-out value without one joins the only player that has the same term."""
    if curve.split == TIME:
        return TIME
    others = owners - {""}
    return min(others) if not curve.player and len(others) == 1 else curve.player


def _stem(curve: Curve) -> str:
    """The chart of a term: norms together, siblings together, `kl/3` under `kl`."""
    if curve.term.endswith("_norm"):
        return "norms"
    branch, slash, _ = curve.term.rpartition("/")
    if slash:
        return branch
    return _SIBLINGS.sub("*", curve.term)


def _ranked(charts: dict[str, list[Curve]]) -> list[tuple[str, list[Curve]]]:
    """The loss first, the norms last, the rest as the run wrote them."""
    rank = {"loss": -1, "norms": 1}
    return sorted(charts.items(), key=lambda item: rank.get(item[0], 0))


def _chart(
    heading: str, stem: str, curves: list[Curve], beside: set[str]
) -> dict[str, Any]:
    terms = list(dict.fromkeys(curve.term for curve in curves))
    if "*" not in stem:
        title = stem
    elif len(terms) <= 3:
        title = ", ".join(terms)
    else:
        title = f"{terms[0]} … {terms[-1]}"
    title = words(title)
    return {
        "title": title,
        "file": words(f"{heading} {title}").strip(),
        "log": stem == "norms",
        "x": ROUNDS,
        "y": axis_name(title, terms, beside),
        "series": [
            _series(curve, color(i, len(curves))) for i, curve in enumerate(curves)
        ],
    }


def _series(curve: Curve, color: str) -> dict[str, Any]:
    steps, values = decimate(curve.steps, curve.values)
    return {
        "name": curve.term,
        "split": curve.split,
        "color": color,
        "steps": steps,
        "values": [float(f"{value:.6g}") for value in values],
        "broken": thin(curve.broken, most=MAX_BROKEN),
    }
