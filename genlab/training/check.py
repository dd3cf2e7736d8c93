"""What `genlab check` shows: a config built, and nothing trained."""

from typing import Any

from genlab.config.plan import Plan
from genlab.data.feed import Feed
from genlab.process import xla
from genlab.process.memory import bytes_of
from genlab.run.course import Course
from genlab.run.folder import parameter_table
from genlab.run.recipe import Recipe
from genlab.training import operations
from genlab.training.fit import check_fit
from genlab.training.summary import data_told, parameter_counts
from genlab.training.tracing import untraceable

MIB = 2**20


def describe(config: dict[str, Any]) -> str:
    """The jaxlib that runs; of every stage data, turns, parameters and the memory of state and data."""
    course = Course.build(config)
    parts = [f"runs on     {xla.describe()}"]
    for recipe in course.recipes:
        if len(course.recipes) > 1:
            rounds = f"rounds {recipe.begin:,} to {recipe.end:,}"
            parts.append(f"stage       {recipe.stage}: {rounds}")
        parts.append(_stage(recipe))
    return "\n".join(parts)


def _stage(recipe: Recipe) -> str:
    feed = recipe.feed()
    traced = check_fit(recipe, feed)
    per_call = Plan.of(recipe.config, recipe.begin).rounds_per_call(recipe.begin)
    state, data, experiment = recipe.shapes(), recipe.data, recipe.experiment
    turns = ", then ".join(
        f"{turn.player} x{turn.repeats}{'' if turn.fresh else ' (same draw)'}"
        f"{f' in every {turn.every}th round' if turn.every > 1 else ''}"
        for turn in experiment.turns()
    )
    size = recipe.config["train"]["batch_size"]
    lines = [
        f"data        {data_told(recipe)}",
        *_told("classes", ", ".join(recipe.source.class_names)),
        *_told("left out", recipe.source.told_left_out()),
        f"round       {turns}; {experiment.draws()} x {size} examples",
        f"operations  {operations.count(traced) / 1e9:.3g} GFLOP a round, of products and convolutions",
        f"call        {per_call} rounds",
        f"population  {_population(recipe, feed)}",
        "",
    ]
    for player, count in parameter_counts(state).items():
        lines.append(f"player      {player}: {count:,} parameters")
    table = parameter_table(state)
    width = max(len(name) for name in table)
    lines.append("")
    for name, row in table.items():
        lines.append(f"  {name:<{width}}  {row['shape']!s:<20} {row['count']:>12,}")
    lines += ["", f"memory      state {bytes_of(state) / MIB:,.1f} MiB"]
    resident = data.splits["train"].nbytes / MIB
    return "\n".join(
        [*lines, f"            examples {resident:,.1f} MiB as stored", ""]
    )


def _told(what: str, told: str) -> list[str]:
    return (
        [f"{what:<11} {told if len(told) <= 200 else told[:200] + ' ...'}"]
        if told
        else []
    )


def _population(recipe: Recipe, feed: Feed) -> str:
    told = untraceable(recipe, feed)
    return f"no: {told}; sweep it with --engine=local" if told else "any float"
