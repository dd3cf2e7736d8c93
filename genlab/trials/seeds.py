"""Recipes over their seeds, as text: means with intervals, and differences over common seeds."""

import json
import math
from pathlib import Path
from typing import Any

from genlab.statistics import paired, summarize, trend
from genlab.trials import table
from genlab.trials.tail import loss_of
from genlab.trials.trial import Trial

NOTE = (
    "without a mean over seeds: {} of the recipes, of whose trials some were stopped as losers or copy others; those that"
    " are left are the luckiest"
)


def over_seeds(trials: list[Trial], sweep: Path, target: str = "") -> str:
    """What recipes, trials that differ in their seed alone, reach and how they differ, as text.

    The first table has means with their interval over the seeds, beside it that of the examples
    themselves; the second the differences to one recipe over the seeds that both have: to the best
    by the target's last evaluation, or to the first where there is no target.

    A recipe of which trials were stopped as losers, or copy others, has no mean: that of the seeds which are left
    would be of the luckiest.

    Returns:
      Empty where no two of the finished trials differ in their seed alone.
    """
    recipes: dict[str, list[Trial]] = {}
    chosen = set()
    for trial in trials:
        name = _recipe(trial)
        if table.is_chosen(trial.folder(sweep)):
            chosen.add(name)
        elif table.state_of(trial, sweep) == "finished":
            recipes.setdefault(name, []).append(trial)
    left_out = [
        name for name in chosen if sum(map(name.__eq__, map(_recipe, trials))) > 1
    ]
    note = NOTE.format(len(left_out)) if left_out else ""
    recipes = {name: each for name, each in recipes.items() if name not in chosen}
    if all(len(members) < 2 for members in recipes.values()):
        return note
    found = {
        name: {trial.config["seed"]: table.measured(trial, sweep) for trial in members}
        for name, members in recipes.items()
    }
    margins = {
        name: [table.flat_margins(trial.results(sweep)) for trial in members]
        for name, members in recipes.items()
    }
    means = [_means(name, found[name], margins[name]) for name in found]
    parts = [
        "mean (95 % interval over seeds), ± half that over the test examples, which the seeds share",
        table.aligned(means),
    ]
    if len(found) > 1:
        first = _reference(recipes, sweep, target)
        rows = [
            _gaps(name, found[name], found[first]) for name in found if name != first
        ]
        parts += [
            "",
            f"difference to {_spelled(first)} over common seeds (95 % interval of each alone)",
            table.aligned(rows),
        ]
    if trends := _trends(found):
        parts += ["", *trends]
    if note:
        parts += ["", note]
    return "\n".join(parts)


def _recipe(trial: Trial) -> str:
    """What all trials share that differ in their seed alone."""
    others = {k: v for k, v in trial.overrides.items() if k != "seed"}
    return json.dumps(others, default=str)


def _trends(found: dict[str, dict[int, dict[str, Any]]]) -> list[str]:
    """Rank correlations with the knob, where one alone differs and has three numbers or more."""
    places = {name: json.loads(name) for name in found}
    knobs = {key for place in places.values() for key in place}
    if len(knobs) != 1 or len(found) < 3:
        return []
    (knob,) = knobs
    numbers = [place.get(knob) for place in places.values()]
    if not all(type(number) in (int, float) for number in numbers):
        return []
    ordered = sorted(found, key=lambda name: places[name][knob])
    row: dict[str, object] = {}
    for value in _names(found[ordered[0]]):
        known = [_finite(found[name], value) for name in ordered]
        common = [seed for seed in known[0] if all(seed in other for other in known)]
        if len(common) > 1:
            rows = [[other[seed] for other in known] for seed in common]
            row[value] = str(trend(rows))
    title = f"rank correlation with {knob} of each seed, their mean (95 % interval), Page's test"
    return [title, table.aligned([row])] if row else []


def _reference(recipes: dict[str, list[Trial]], sweep: Path, target: str) -> str:
    """The recipe with the best mean of what its trials `reached`, or the first."""

    def loss(name: str) -> float:
        values = [table.reached(trial, sweep, target) for trial in recipes[name]]
        if None in values:  # a seed that diverged is no reason to rank the others alone
            return math.inf
        return math.fsum(loss_of(value, target) for value in values) / len(values)

    return min(recipes, key=loss) if target else next(iter(recipes))


def _means(
    name: str, seeds: dict[int, dict[str, Any]], margins: list[dict[str, float]]
) -> dict[str, object]:
    row: dict[str, object] = {**json.loads(name), "seeds": len(seeds)}
    for value in _names(seeds):
        known = [found.get(value) for found in seeds.values()]
        shown = "" if None in known else str(summarize(known))
        of_examples = [margin[value] for margin in margins if value in margin]
        if shown and of_examples:
            shown += f" ± {max(of_examples):.2g}"
        row[value] = shown
    return row


def _gaps(
    name: str, seeds: dict[int, dict[str, Any]], others: dict[int, dict[str, Any]]
) -> dict[str, object]:
    gaps = {
        value: paired(*(_finite(recipe, value) for recipe in (seeds, others)))
        for value in _names(seeds)
    }
    counts = {value: gap.summary.count for value, gap in gaps.items() if gap}
    most = max(counts.values(), default=0)
    row: dict[str, object] = {**json.loads(name), "common seeds": most}
    for value, gap in gaps.items():
        few = f", {counts[value]} seeds" if 1 < counts.get(value, most) < most else ""
        row[value] = f"{gap or ''}{few}"
    return row


def _finite(seeds: dict[int, dict[str, Any]], value: str) -> dict[int, float]:
    return {
        seed: found[value]
        for seed, found in seeds.items()
        if found.get(value) is not None
    }


def _names(seeds: dict[int, dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(value for found in seeds.values() for value in found))


def _spelled(name: str) -> str:
    return ", ".join(f"{k}={v}" for k, v in json.loads(name).items()) or "the config"
