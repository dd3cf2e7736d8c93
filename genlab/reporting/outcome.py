"""The results of a run as a page tells them: one number first, then every metric with its protocol."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genlab.metrics.measurement import HELD_OUT, flat_name, in_series
from genlab.reporting.run import Run
from genlab.reporting.units import axis_name, unit_of

LARGE = 4  # values of a metric that are shown large
COUNTED = {"share": "class", "kl": "latent"}  # what the numbers of a name count


@dataclass(frozen=True)
class Value:
    """One measured value.

    Attributes:
      name: of the value.
      value: the number, None where it was not finite.
      interval: its 95 % interval over the examples, None where none is known.
      unit: empty where the name does not say.
    """

    name: str
    value: float | None
    interval: list[float] | None
    unit: str

    @property
    def told(self) -> float:
        """The number, NaN where it was not finite."""
        return math.nan if self.value is None else self.value


@dataclass(frozen=True)
class Bars:
    """Values that differ in a number alone: one for each class, or each latent.

    Attributes:
      title: what they have in common.
      x, y: names of the axes.
      labels: one a value: the class by name, or the number.
      values: the values.
    """

    title: str
    x: str
    y: str
    labels: list[str]
    values: list[Value]


@dataclass(frozen=True)
class Metric:
    """What one metric found.

    Attributes:
      name: of the metric.
      split: measured on; empty where nothing says so.
      large, others: its values, those that are shown large first.
      bars: its numbered values.
      protocol: how it was measured.
      failure: why it has no values, if it failed.
    """

    name: str
    split: str = ""
    large: list[Value] = field(default_factory=list)
    others: list[Value] = field(default_factory=list)
    bars: list[Bars] = field(default_factory=list)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def all(self) -> list[Value]:
        """Every value."""
        numbered = [value for chart in self.bars for value in chart.values]
        return [*self.large, *self.others, *numbered]


def metrics_of(run: Run, *, best: bool = False) -> list[Metric]:
    """Every metric of the results, of the newest state or of the best, and those that failed."""
    results = run.best if best else run.results
    if results is None:
        return []
    found = [_metric(run, *entry) for entry in results["metrics"].items()]
    failed = results["failed"].items()
    return found + [Metric(name, failure=reason) for name, reason in failed]


def headline(run: Run, metrics: list[Metric]) -> tuple[Metric, Value] | None:
    """The value that the page begins with, and its metric: what the config calls best, or the first
    that a metric of the config found; None without results."""
    config = run.record["config"].get("eval")
    section = config if isinstance(config, dict) else {}
    best = str(section.get("best") or "").removeprefix("-")
    for metric in metrics:
        for value in metric.all:
            if best == flat_name(metric.name, value.name):
                return metric, value
    chosen = sorted(metrics, key=lambda metric: metric.name == HELD_OUT)
    return next(((metric, metric.large[0]) for metric in chosen if metric.large), None)


def split_of(record: Mapping[str, Any], config: Any) -> str:
    """What a metric of the results was measured on: its protocol says so, or else the config."""
    split = record.get("protocol", {}).get("split")
    section = config.get("eval") if isinstance(config, dict) else None
    final = section.get("final_split") if isinstance(section, dict) else None
    return next((str(name) for name in (split, final) if name), "")


def _metric(run: Run, name: str, record: Mapping[str, Any]) -> Metric:
    intervals, names = record["intervals"], list(record["values"])
    values = {
        key: Value(key, value, intervals.get(key), unit_of(key, names))
        for key, value in record["values"].items()
    }
    series = [[values[key] for key in part] for part in in_series(names)]
    charts = [
        members
        for members in series
        if len(members) > 1 and all(member.value is not None for member in members)
    ]
    single = [value for members in series if members not in charts for value in members]
    return Metric(
        name=name,
        split=split_of(record, run.record["config"]),
        large=single[:LARGE],
        others=single[LARGE:],
        bars=[_bars(run, members) for members in charts],
        protocol=record["protocol"],
    )


def _bars(run: Run, members: list[Value]) -> Bars:
    stem = members[0].name.rpartition("_")[0]
    numbers = [value.name.rpartition("_")[2] for value in members]
    names = run.class_names
    of_classes = stem == "share" and len(names) == len(members)
    counted = COUNTED.get(stem, "number")
    return Bars(
        title=f"{stem} of each {counted}",
        x=counted,
        y=axis_name(stem, [stem]),
        labels=names if of_classes else numbers,
        values=members,
    )
