"""What the trials of a sweep say together, for each measured value: importances, statistics."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genlab.reporting.importance import Importances, importances
from genlab.reporting.knobs import SEED, Knob
from genlab.reporting.learning import Group
from genlab.reporting.sweep import Sweep
from genlab.statistics import Difference, Summary, paired, summarize

MAX_FORESTS = 6  # values with importances, about half a second each
MAX_STATISTICS = 12  # values with statistics over seeds


@dataclass(frozen=True)
class Importance:
    """How much each knob matters for one value.

    Attributes:
      label: the value in words.
      found: None where the trials do not say.
      finite: trials that have a finite value.
    """

    label: str
    found: Importances | None
    finite: int


@dataclass(frozen=True)
class Row:
    """What the seeds of one group say of a value.

    Attributes:
      group: of trials that differ in their seed alone.
      summary: of their values.
      margin: the largest half of a 95 % interval over the examples; None where none is known.
      gap: the difference to the first group, seed by seed; None for that one, or without common seeds.
    """

    group: Group
    summary: Summary
    margin: float | None
    gap: Difference | None


@dataclass(frozen=True)
class Statistics:
    """The groups of seeds by one value.

    Attributes:
      label: the value in words.
      first: the group that the others are compared with; None where no trial has a finite value.
      rows: a row for each group that has a value, the best first.
    """

    label: str
    first: Group | None
    rows: list[Row]


def importance(sweep: Sweep, knobs: Sequence[Knob]) -> list[Importance]:
    """How much each knob matters, for each of the first MAX_FORESTS values."""
    blocks = []
    for name in sweep.value_names[:MAX_FORESTS] if knobs else []:
        values = [trial.values.get(name, math.nan) for trial in sweep.trials]
        finite = sum(map(math.isfinite, values))
        blocks.append(
            Importance(sweep.spoken(name), importances(knobs, values), finite)
        )
    return blocks


def statistics(sweep: Sweep, groups: Sequence[Group]) -> list[Statistics]:
    """Each group of seeds for each of the first MAX_STATISTICS values; empty without two seeds.

    Groups of which trials were stopped as losers, or copy others, have none: see `chosen`.
    """
    groups = [group for group in groups if not chosen(sweep, group)]
    if all(len(group.trials) < 2 for group in groups):
        return []
    return [
        _statistics(sweep, name, groups) for name in sweep.value_names[:MAX_STATISTICS]
    ]


def chosen(sweep: Sweep, group: Group) -> bool:
    """Whether some of the group's trials were stopped as losers, or copy others, so that a mean over the seeds that are
    left would be of the luckiest."""
    trials = [sweep.trials[index] for index in group.trials]
    return any(trial.state == "pruned" or trial.copies for trial in trials)


def _statistics(sweep: Sweep, name: str, groups: Sequence[Group]) -> Statistics:
    sign = -1 if sweep.maximize else 1
    found = {group: _by_seed(sweep, name, group) for group in groups}
    found = {group: values for group, values in found.items() if values}
    if not found:
        return Statistics(sweep.spoken(name), None, [])
    first = _reference(sweep, found)
    rows = [
        Row(
            group=group,
            summary=summarize(list(values.values())),
            margin=_margin(sweep, name, group),
            gap=None if group is first else paired(values, found[first]),
        )
        for group, values in found.items()
    ]
    rows.sort(key=lambda row: sign * row.summary.mean)
    return Statistics(sweep.spoken(name), first, rows)


def _by_seed(sweep: Sweep, name: str, group: Group) -> dict[str, float]:
    """The finite values of a group by seed."""
    trials = [sweep.trials[index] for index in group.trials]
    values = {
        str(trial.overrides.get(SEED)): trial.values.get(name, math.nan)
        for trial in trials
    }
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _reference(sweep: Sweep, groups: Iterable[Group]) -> Group:
    """The best group by the target where that was not measured on what is reported, or the first."""
    sign = -1 if sweep.maximize else 1

    def loss(group: Group) -> float:
        values = _by_seed(sweep, sweep.target, group).values()
        whole = values and len(values) == len(group.trials)
        return sign * math.fsum(values) / len(values) if whole else math.inf

    return min(groups, key=loss) if sweep.evaluated else next(iter(groups))


def _margin(sweep: Sweep, name: str, group: Group) -> float | None:
    margins = [sweep.trials[index].margins.get(name) for index in group.trials]
    return max((margin for margin in margins if margin is not None), default=None)
