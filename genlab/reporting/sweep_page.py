"""What the page of a sweep shows, as the template takes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genlab.reporting import findings, pictures
from genlab.reporting.gallery import plot_names, thumbnails
from genlab.reporting.importance import MIN_TRIALS
from genlab.reporting.knobs import (
    SEED,
    Knob,
    differing_knobs,
    number,
    spelled,
    trial_label,
)
from genlab.reporting.learning import best_so_far, seed_groups
from genlab.reporting.markup import listed
from genlab.reporting.pictures import Shot
from genlab.reporting.sweep import ENDED, Sweep
from genlab.reporting.sweep_data import page_data
from genlab.reporting.trial import TrialRecord

MAX_COPIES = 50  # in the table of them
MAX_OPEN = 10  # failed trials that are shown without being asked for


@dataclass(frozen=True)
class Gallery:
    """The newest pictures of one plot.

    Attributes:
      plot: its name.
      shots: index of the trial -> picture, in the order of the table.
      having: trials that have one.
    """

    plot: str
    shots: dict[int, Shot]
    having: int


def parts(sweep: Sweep) -> dict[str, Any]:
    """Everything that `sweep.html` names."""
    knobs = differing_knobs([trial.overrides for trial in sweep.trials])
    groups = seed_groups(sweep, knobs)
    data = page_data(sweep, knobs, groups)
    ranked, titles = sweep.ranked(), columns(sweep, knobs)
    return {
        "title": sweep.name,
        "sweep": sweep,
        "knobs": knobs,
        "columns": titles,
        "settings": [
            [_setting(trial.overrides.get(key)) for key in titles]
            for trial in sweep.trials
        ],
        "labels": [
            trial_label(trial.overrides, knobs) or trial.name for trial in sweep.trials
        ],
        "values": sweep.value_names,
        "ranked": ranked,
        "ended": sum(trial.state in ENDED for trial in sweep.trials),
        "facts": facts(sweep, knobs),
        "best": sweep.trials[ranked[0]] if ranked else None,
        "headline": headline(sweep),
        "seconds": _seconds(sweep),
        "notes": notes(sweep),
        "copies": copies(sweep)[:MAX_COPIES],
        "count_copies": len(copies(sweep)),
        "progress": best_so_far(sweep, groups),
        "importance": findings.importance(sweep, knobs),
        "least_trials": MIN_TRIALS,
        "max_forests": findings.MAX_FORESTS,
        "galleries": galleries(sweep, ranked),
        "has_groups": any(len(group.trials) > 1 for group in groups),
        "statistics": findings.statistics(sweep, groups),
        "chosen": sum(
            len(group.trials) > 1 and findings.chosen(sweep, group) for group in groups
        ),
        "max_statistics": findings.MAX_STATISTICS,
        "data": data,
    }


def facts(sweep: Sweep, knobs: Sequence[Knob]) -> dict[str, Any]:
    """The sweep's own settings, and the overrides that all its trials share."""
    known = sweep.manifest
    pairs = {"config": known.config, "sweep": known.sweep, "engine": known.engine}
    if sweep.target:
        goal = "larger" if sweep.maximize else "smaller"
        pairs["target"] = f"{sweep.target}, {goal} is better"
    pruner = known.pruner if known.pruner != "none" else ""
    pairs |= {"sampler": known.sampler, "pruner": pruner}
    differing = {knob.key for knob in knobs} | {SEED}
    shared = dict(known.common)
    for trial in sweep.trials:
        shared |= {k: v for k, v in trial.overrides.items() if k not in differing}
    seeds = {spelled(trial.overrides, SEED) for trial in sweep.trials}
    if len(seeds) > 1:
        pairs["seeds"] = len(seeds)
    pairs["in all trials"] = listed(shared)
    return {name: value for name, value in pairs.items() if value}


def columns(sweep: Sweep, knobs: Sequence[Knob]) -> dict[str, str]:
    """Key of each override that has a column in the table of trials -> what the column is called."""
    seeded = any(SEED in trial.overrides for trial in sweep.trials)
    return {knob.key: knob.label for knob in knobs} | ({SEED: SEED} if seeded else {})


def headline(sweep: Sweep) -> dict[str, Any] | None:
    """What the best trial reached by its results, which took no part in choosing it; None where there
    is no such value."""
    name = sweep.target.partition(" on ")[0]
    if not sweep.evaluated:
        return None
    best = sweep.trials[sweep.ranked()[0]]
    value = best.values.get(name, math.nan)
    if not math.isfinite(value):
        return None
    margin = best.margins.get(name)
    return {
        "name": sweep.spoken(name),
        "value": value,
        "interval": "" if margin is None else f"± {margin:.2g}",
    }


def notes(sweep: Sweep) -> list[dict[str, Any]]:
    """The trials that failed with the reason of each, and those that were pruned."""
    kinds = (
        ("failed", "Failed", "reason"),
        ("pruned", "Stopped early as losers", "where"),
    )
    found = []
    for state, title, column in kinds:
        trials = [trial for trial in sweep.trials if trial.state == state]
        opened = len(trials) <= MAX_OPEN
        found.append(
            {"title": title, "column": column, "trials": trials, "open": opened}
        )
    return [note for note in found if note["trials"]]


def copies(sweep: Sweep) -> list[tuple[dict[str, Any], TrialRecord]]:
    """What members of a population copied from others, with who did; the newest first."""
    found = [(copy, trial) for trial in sweep.trials for copy in trial.copies]
    return sorted(found, key=lambda pair: -pair[0]["step"])


def galleries(sweep: Sweep, order: Sequence[int]) -> list[Gallery]:
    """For each plot the newest pictures of the trials, as many as the page has room for."""
    plots = plot_names(sweep)
    room = pictures.MAX_BYTES // max(1, len(plots))
    return [
        Gallery(
            plot,
            thumbnails(sweep, plot, order, room),
            sum(plot in trial.pictures for trial in sweep.trials),
        )
        for plot in plots
    ]


def _seconds(sweep: Sweep) -> str:
    """How the times of the trials came about; empty where there are none."""
    known = [trial for trial in sweep.trials if trial.seconds is not None]
    if not known:
        return ""
    if sweep.manifest.engine == "population":
        return "Trials of one shape train together: the time of each is that of all of them."
    return (
        "The time of a trial is that of its rounds, without compiling and evaluating."
    )


def _setting(value: Any) -> Any:
    """An override as the table has it: numbers that --grid left as text are numbers."""
    known = number(value) if isinstance(value, str) else None
    return value if known is None else known
