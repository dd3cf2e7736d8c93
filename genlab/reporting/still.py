"""Charts that need no script: where their lines, bars and ticks lie, for the template to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genlab.reporting.charts import telling

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 24, 40
MOST = 120  # points of a line: the script draws all that the page has
LARGEST = 1e100
SPARSE = 20  # so few points are marked, since a line alone hides where they are

Point = tuple[float, float, str]  # with the color


@dataclass(frozen=True)
class Still:
    """A picture of WIDTH x HEIGHT with everything in it as x and y.

    Attributes:
      x, y: names of the axes.
      across, up: (place, text) of the ticks.
      lines: {split, color, path (empty for points alone), dots: (x, y, color)}.
      bars: {x, width, top, height, low, high}: the last two are the ends of an interval, or None.
      broken: places across at which a value was not finite.
    """

    x: str
    y: str
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    lines: list[dict[str, Any]]
    bars: list[dict[str, Any]]
    broken: list[float]

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def chart(spec: dict[str, Any]) -> Still | None:
    """The curves of a chart as `chart_groups` gives them; None where there is nothing to draw."""
    scaled = [_scaled(series, spec["log"]) for series in spec["series"]]
    points = [point for line in scaled for point in line]
    if not points:
        return None
    broken = [step for series in spec["series"] for step in series["broken"]]
    steps = [step for step, _, _ in points] + broken
    apart = any("colors" in series for series in spec["series"])
    x = _Axis(steps, room=0.04 if apart else 0.0, begin=LEFT, end=Still.right)
    y = _Axis([value for _, value, _ in points], room=0.06, begin=Still.bottom, end=TOP)
    lines = []
    for series, line in zip(spec["series"], scaled, strict=True):
        kept = telling([value for _, value, _ in line], most=MOST)
        drawn = [(x(step), y(v), color) for step, v, color in (line[i] for i in kept)]
        lines.append(_line(series, drawn))
    return Still(
        x=spec["x"],
        y=spec["y"],
        across=[(x(tick), _thousands(tick, x.high)) for tick in x.ticks(4, whole=True)],
        up=[
            (y(tick), _text(10**tick if spec["log"] else tick))
            for tick in y.ticks(5, whole=spec["log"] and y.high - y.low > 2)
        ],
        lines=lines,
        bars=[],
        broken=[x(step) for step in broken],
    )


def bars(
    x: str,
    y: str,
    labels: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[Sequence[float] | None],
) -> Still:
    """A bar for each value, from zero, with its interval as a whisker.

    Args:
      x, y: names of the axes.
      labels: under the bars; as many as have room are written.
      values: finite.
      intervals: (low, high) or None.
    """
    ends = [end for pair in intervals if pair is not None for end in pair]
    axis = _Axis([0.0, *values, *ends], room=0.0, begin=Still.bottom, end=TOP)
    slot = (Still.right - LEFT) / len(values)
    written = len(labels) * max(map(len, labels)) * 7  # pixels
    every = max(1, math.ceil(written / (Still.right - LEFT)))
    drawn = [
        {
            "x": round(LEFT + (i + 0.15) * slot, 1),
            "width": round(0.7 * slot, 1),
            "top": min(axis(value), axis(0.0)),
            "height": round(abs(axis(value) - axis(0.0)), 1),
            "low": None if pair is None else axis(pair[0]),
            "high": None if pair is None else axis(pair[1]),
        }
        for i, (value, pair) in enumerate(zip(values, intervals, strict=True))
    ]
    return Still(
        x=x,
        y=y,
        across=[
            (round(LEFT + (i + 0.5) * slot, 1), label)
            for i, label in enumerate(labels)
            if i % every == 0
        ],
        up=[(axis(tick), _text(tick)) for tick in axis.ticks(4)],
        lines=[],
        bars=drawn,
        broken=[],
    )


class _Axis:
    """Places between `begin` and `end` for numbers between the ends of `values`."""

    def __init__(
        self, values: Sequence[float], *, room: float, begin: float, end: float
    ):
        low, high = _drawable(min(values)), _drawable(max(values))
        spread = high - low
        self.room = spread * room if spread else abs(high) * 0.1 or 1.0
        self.low, self.high = low - self.room, high + self.room
        self._begin, self._end = begin, end

    def __call__(self, value: float) -> float:
        share = (_drawable(value) - self.low) / (self.high - self.low)
        return round(self._begin + share * (self._end - self._begin), 1)

    def ticks(self, wanted: int, *, whole: bool = False) -> list[float]:
        from matplotlib.ticker import MaxNLocator

        locator = MaxNLocator(wanted, steps=[1, 2, 5, 10], integer=whole)
        found = locator.tick_values(self.low, self.high)
        slack = 1e-9 * (self.high - self.low)
        return [
            float(tick) if abs(tick) > slack else 0.0
            for tick in found
            if self.low - slack <= tick <= self.high + slack
        ]


def _drawable(value: float) -> float:
    """A number that can be reckoned with, however large what stands in a file is."""
    return float(min(max(value, -LARGEST), LARGEST))


def _scaled(series: dict[str, Any], log: bool) -> list[Point]:
    """The points that the scale can show."""
    steps, values = series["steps"], series["values"]
    colors = series.get("colors") or [series["color"]] * len(steps)
    points = zip(steps, values, colors, strict=True)
    known = [point for point in points if point[1] is not None]
    if not log:
        return known
    return [(step, math.log10(v), color) for step, v, color in known if v > 0]


def _line(series: dict[str, Any], dots: list[Point]) -> dict[str, Any]:
    """A line through places, or points in colors of their own where the series has some."""
    join = "H{}V{}" if series.get("stepped") else "L{} {}"
    path = "".join(
        (join if i else "M{} {}").format(*at[:2]) for i, at in enumerate(dots)
    )
    return {
        "split": series["split"],
        "color": series["color"],
        "path": "" if "colors" in series else path,
        "dots": dots if "colors" in series or len(dots) <= SPARSE else [],
    }


def _text(value: float) -> str:
    return f"{value:.3g}"


def _thousands(value: float, largest: float) -> str:
    return f"{value / 1000:.6g}k" if largest >= 10_000 and value else f"{value:,.6g}"
