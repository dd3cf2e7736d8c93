"""Contracts that hold for every family; they loop over the configs and need no edit for a new one.

The default run trains one game of every experiment, and holds one of every kind of extra state, and of
what has frozen layers, to all of them, on two kinds of devices; `pytest -m full` holds every config and
every stage, on all.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.game import program, rng
from genlab.run.build import SECTIONS, build_experiment
from genlab.training.rounds import rounds_of
from genlab.training.train import train


def games(first: set[str]) -> pytest.MarkDecorator:
    """All games, others than the first only with `-m full`."""
    return pytest.mark.parametrize(
        "name",
        [
            name if name in first else pytest.param(name, marks=pytest.mark.full)
            for name in recipes.all_games()
        ],
    )


# A round of their networks takes long to compile, each time anew.
SLOW = {"cyclegan", "bicyclegan", "vq_vae"}
every_game = games({*recipes.representatives()} - SLOW)
quick_game = games({*recipes.of_each_kind_of_state()} - SLOW)

ROUNDS = 4
MORE_DEVICES = ((2, "jit"), (2, "fsdp"), (4, "fsdp"), (1, "pmap"), (4, "pmap"))


@functools.cache
def unbroken(name: str):
    """State and metrics after ROUNDS rounds in one call on one device."""
    return recipes.run_rounds(recipes.recipe(name), ROUNDS, per_call=ROUNDS)


@quick_game
def test_rounds_in_one_call_equal_single_rounds(name):
    state, metrics = recipes.run_rounds(recipes.recipe(name), ROUNDS, per_call=1)
    recipes.assert_close(unbroken(name)[0], state, 1e-5)
    recipes.assert_close(unbroken(name)[1], recipes.as_one_call(metrics), 1e-4)


@quick_game
@pytest.mark.parametrize(
    ("devices", "how"),
    [
        (4, "jit"),
        (2, "pmap"),
        *(pytest.param(*more, marks=pytest.mark.full) for more in MORE_DEVICES),
    ],
)
def test_trajectory_does_not_depend_on_devices(name, devices, how, monkeypatch):
    monkeypatch.setattr(program, "SMALL", 16)  # so that tiny networks are split too
    state, metrics = recipes.run_rounds(
        recipes.recipe(name), ROUNDS, ROUNDS, devices, how
    )
    recipes.assert_close(unbroken(name)[0], state, 1e-5)
    recipes.assert_close(unbroken(name)[1], metrics, 1e-4)


@every_game
def test_training_changes_every_player(name):
    before = recipes.recipe(name).init_state()
    after, metrics = unbroken(name)
    assert after.step == ROUNDS
    for player, params in after.params.items():
        gaps = recipes.differences(params, jax.device_get(before.params[player]))
        moves = player in recipes.recipe(name).experiment.players()
        assert (max(gaps.values()) > 0) == moves, f"player {player}"
    for metric, values in metrics.items():
        assert values.shape == (ROUNDS,)
        assert np.isfinite(values).all(), metric


@every_game
def test_parameters_and_metrics_are_float32(name):
    state, metrics = unbroken(name)
    types = {leaf.dtype for leaf in jax.tree.leaves((state.params, metrics))}
    assert types == {np.dtype(np.float32)}


@quick_game
def test_bfloat16_computes_with_float32_parameters(name):
    built = recipes.recipe(name)
    low = dataclasses.replace(
        built,
        experiment=build_experiment(
            {section: built.config[section] for section in SECTIONS},
            built.data,
            "bfloat16",
        ),
    )
    # Three rounds, since a last layer may start at zero, and a rate too.
    state, metrics = recipes.run_rounds(low, 3, 3)
    types = {leaf.dtype for leaf in jax.tree.leaves((state.params, metrics))}
    assert types == {np.dtype(np.float32)}
    reference = {metric: values[:3] for metric, values in unbroken(name)[1].items()}
    losses = [metric for metric in metrics if metric.endswith("/loss")]
    for metric in losses:
        np.testing.assert_allclose(
            metrics[metric], reference[metric], rtol=0.05, atol=0.05
        )
        # A loss may not have moved yet, where a rate warms up; a gradient is rounded alike, where it
        # counts units that are 0 or 1.
        seen = (metric, metric.removesuffix("loss") + "gradient_norm")
        same = [np.array_equal(metrics[key], reference[key]) for key in seen]
        assert not all(same), "computed in float32 after all"


@quick_game
def test_population_of_eight_equals_eight_solo_runs(name):
    """Every float of the config is a traced array; the last of the members is the recipe itself."""
    built = recipes.recipe(name)
    feed, rounds, size = recipes.feed_of(built), 20, 8
    spec = {section: built.config[section] for section in SECTIONS}
    floats, restore = _floats(spec)
    chunk = feed.chunk(0, rounds)
    batch, resident = built.example_batch(), jax.device_put(feed.resident)

    def member(floats, seed):
        experiment = build_experiment(restore(floats), built.data)
        state = experiment.init_state(rng.stream(seed, "init"), batch)
        return rounds_of(experiment, feed)(state, resident, chunk, seed)

    factors = jnp.linspace(0.86, 1.0, size)
    seeds = built.config["seed"] + jnp.arange(size, dtype=jnp.uint32)[::-1]
    members = [factors * value for value in floats], seeds
    population = jax.device_get(jax.jit(jax.vmap(member))(*members))
    solo = jax.jit(member)
    for index in range(size):
        alone = jax.device_get(solo(*_at(index, members)))
        if index == size - 1:
            alone = recipes.run_rounds(built, rounds, rounds)
        together = _at(index, population)
        recipes.assert_close(alone[0], together[0], 1e-5)
        recipes.assert_close(alone[1], together[1], 1e-4)


def _at(index, stacked):
    """One member of what is stacked along the first axis."""
    return jax.tree.map(lambda leaf: leaf[index], stacked)


def _floats(spec):
    """The floats of a nested dict, and how to put others in their places."""
    leaves, structure = jax.tree.flatten(spec, is_leaf=lambda x: x is None)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, float)]

    def restore(values):
        filled = list(leaves)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        return jax.tree.unflatten(structure, filled)

    return [leaves[place] for place in places], restore


@quick_game
def test_resumed_run_is_bit_identical(name, tmp_path):
    whole = train(recipes.plain(name, devices="1"), tmp_path / "whole", {})
    half = recipes.plain(name, devices="1", train__steps="4")
    train(half, tmp_path / "resumed", {})
    resumed = train(recipes.plain(name, devices="1"), tmp_path / "resumed", {})
    recipes.assert_identical(jax.device_get(whole), jax.device_get(resumed))


@every_game
def test_samples_are_deterministic(name):
    built = recipes.recipe(name)
    if not hasattr(built.experiment, "sample") or "frozen" in built.shapes().params:
        pytest.skip("this game does not sample examples")
    state = jax.device_put(unbroken(name)[0])
    few, many = built.trained(state).sample(3), built.trained(state).sample(7)
    np.testing.assert_array_equal(few, many[:3])
    assert few.shape == (3, *built.data.example_shape)
    different = 1 if built.data.name == "point" else 7  # a distribution of one point
    assert len(np.unique(many.reshape(7, -1), axis=0)) == different
