"""What only training would find, asked before it: memory, schedules, parts that do not fit."""

import logging
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from genlab import numbers
from genlab.blame import blaming, parts_must_fit
from genlab.config.plan import Plan
from genlab.data.feed import Feed
from genlab.data.statistics import example_range
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.game.parallel import all_devices
from genlab.game.slots import scheduled_knobs
from genlab.part import settled
from genlab.process import memory
from genlab.registry import metrics, plots, schedules
from genlab.run.recipe import Recipe
from genlab.training.compatibility import (
    check_classes,
    check_critics,
    check_output_ranges,
    check_packs,
    check_priors,
)
from genlab.training.rounds import rounds_of
from genlab.writers import log as writers

_log = logging.getLogger("genlab")


def check_fit(recipe: Recipe, feed: Feed) -> ClosedJaxpr:
    """Checks before training what only training would find, tracing one round on shapes alone.

    A trained run is not asked: it can be looked at where what its metrics need has gone.

    Returns:
      The round as it was traced.

    Raises:
      InputError: more memory is needed than there is, networks and objective do not fit data and
        each other (the first line of the reason is in the message), a chosen writer, metric or plot cannot
        serve them, the best state would be chosen on what is reported, a learning rate is at 0
        before the last round, or the schedule of a knob leaves its range.
    """
    writers.check(recipe.config["writers"])
    _tell_of_copies(feed)
    _check_memory(recipe, feed)
    check_schedules(recipe)
    inputs = (recipe.shapes(), feed.resident, feed.chunk(0, 1), np.uint32(0))
    shapes = jax.eval_shape(lambda *leaves: leaves, *inputs)
    measured, drawn = recipe.config["eval"], recipe.config["sample"]["plots"]
    if best := measured["best"]:
        evaluate.check_choice(recipe.data, measured, f"eval.best={best!r}")
    with parts_must_fit(recipe.config):
        edges = example_range(recipe.data, recipe.preparation)
        check_output_ranges(recipe.experiment, recipe.data, *edges)
        check_critics(recipe.experiment, recipe.shapes())
        check_priors(recipe.experiment)
        check_classes(recipe.experiment, recipe.data)
        check_packs(recipe.experiment, _examples_of_device(recipe.config))
        chosen = [*measured["metrics"], *measured["final_metrics"]]
        evaluate.check(recipe.experiment, recipe.data, metrics, chosen)
        evaluate.check(recipe.experiment, recipe.data, plots, drawn)
        traced = jax.make_jaxpr(rounds_of(recipe.experiment, feed))(*shapes)
        if (remat := recipe.config["remat"]) != "none":
            again = rounds_of(recipe.experiment, feed, recipe.begin, remat)
            jax.eval_shape(again, *shapes)
        return traced


def _tell_of_copies(feed: Feed) -> None:
    """Warns of a batch that has no room for different examples: what compares them compares copies."""
    if feed.batch_size > (size := feed.dataset.splits["train"].size):
        told = "train.batch_size=%s is more than the %s training examples: a batch has copies of some"
        _log.warning(told, f"{feed.batch_size:,}", f"{size:,}")


def _examples_of_device(config: dict[str, Any]) -> int:
    """Of a batch, as a network sees it: all, where one program is for all devices."""
    size = config["train"]["batch_size"]
    if config["parallel"] != "pmap":
        return size
    return size // (config["devices"] or len(all_devices()))


def _check_memory(recipe: Recipe, feed: Feed) -> None:
    """State, data and a batch, before any of them is made: networks' outputs come on top."""
    config, count = recipe.config, recipe.config["devices"] or len(all_devices())
    shapes = filter(None, (recipe.data.example_shape, recipe.data.target_shape))
    example = 4 * sum(math.prod(shape) for shape in shapes)
    batch = feed.batch_size * feed.draws
    held = {
        "the state of the networks": memory.bytes_of(recipe.shapes()),
        "the training data (data.backend)": memory.bytes_of(feed.resident),
    }
    size = f"train.batch_size={feed.batch_size:,}"
    train = f"a round of {size}"
    watch = f"a batch of eval.batch_size={config['eval']['batch_size']:,}"
    rounds = Plan.of(config, recipe.begin).most_rounds(recipe.begin)
    # Drawn as int64, taken along as int32.
    order = {
        f"the order of examples in a call of {rounds:,} rounds (train.steps_per_call) of {size}": 12
        * rounds
        * batch
    }
    limit, host = memory.of_device(), memory.host()
    training = {**held, train: batch * example // count}
    memory.refuse_more_than(limit, training)
    memory.refuse_more_than(host, {**training, **order} if limit == host else order)
    evaluated = config["eval"]["batch_size"] * example
    memory.refuse_more_than(limit, {**held, watch: evaluated})


def check_schedules(recipe: Recipe) -> None:
    """Raises InputError where a learning rate is at 0 before the last round, or where a knob that
    follows a schedule leaves its range until then."""
    _check_learning_rates(recipe)
    count = min(recipe.end - recipe.begin, 10**4)
    steps = np.linspace(recipe.begin, recipe.end - 1, count).round().astype(np.int32)
    for knob in scheduled_knobs(recipe.experiment):
        value = lambda step, knob=knob: jnp.float32(settled(knob, step))
        values = np.asarray(jax.vmap(value)(steps))
        for index in (np.argmin(values), np.argmax(values)):
            what = f"in round {steps[index] + 1:,} {knob.what}"
            numbers.check(what, float(values[index]), knob.annotation)


def _check_learning_rates(recipe: Recipe) -> None:
    for player, part in recipe.config["optimizer"].items():
        if part.get("schedule") is None:
            continue
        turns = [t for t in recipe.experiment.turns() if t.player == player]
        moves = sum(t.moves_in(recipe.config["train"]["steps"]) for t in turns)
        updates = moves // part.get("accumulate", 1)
        with blaming(f"optimizer.{player}.schedule cannot be followed"):
            factor = schedules.choose(part["schedule"])()
            if not updates or factor(updates - 1) > 0:
                continue
            points = np.linspace(0, updates - 1, min(updates, 10**6)).round()
            looked_at = points.astype(np.int32)
            moving = looked_at[np.asarray(jax.vmap(factor)(looked_at)) > 0]
        # The end of a long cosine is rounded to 0, about a ten-thousandth of it.
        if len(moving) and updates - moving[-1] - 1 > updates / 1000:
            raise InputError(
                f"optimizer.{player}.schedule is at 0 from update {moving[-1] + 1:,} on, and"
                f" train.steps={recipe.config['train']['steps']:,} makes {updates:,} updates;"
                " stretch the schedule to as many"
            )
