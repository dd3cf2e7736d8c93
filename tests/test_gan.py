"""The family `gan`: what its knobs do to the losses of both players, and which combinations it takes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.game import rng
from genlab.game.turn import Draw
from genlab.registry import optimizers
from genlab.run.recipe import Recipe


def ring(**changes):
    """The tiny ring, whose sections differ in some knobs: `experiment__pool=3`."""
    return plain_ring() if not changes else _ring(changes)


@functools.cache
def plain_ring():
    return _ring({})


def _ring(changes):
    config = recipes.plain("gan_ring")
    config["experiment"]["penalty"] = None
    for key, value in changes.items():
        section, _, knob = key.partition("__")
        config[section] = {**config[section], knob: value} if knob else value
    return Recipe.build(config)


def wide(batch):
    """A batch of 32 examples like these."""
    return jax.tree.map(lambda leaf: jnp.resize(leaf, (32, *leaf.shape[1:])), batch)


def losses(built, player):
    """The terms of a player at the start, and the slopes of their sum."""
    state, batch = built.init_state(), wide(built.example_batch())
    batch["x"] = jax.random.normal(jax.random.key(7), batch["x"].shape)
    draw = Draw(batch, rng.stream(0, "test"), jnp.int32(0))
    loss = built.experiment.players()[player].loss

    def total(params):
        found = loss(params, state.extra, draw)
        return sum(map(jnp.mean, found.terms.values())), found.terms

    slopes, terms = jax.grad(total, has_aux=True)(state.params)
    return terms, slopes


def test_the_generator_learns_from_its_best_fakes():
    whole, _ = losses(ring(), "generator")
    best, _ = losses(ring(experiment__top_k=0.5), "generator")
    cheap = np.sort(whole["fake"])[: len(whole["fake"]) // 2]
    np.testing.assert_allclose(np.mean(best["fake"]), np.mean(cheap), rtol=1e-6)


def test_wrong_labels_are_for_the_discriminator_alone():
    flipped = ring(experiment__flip_labels=1.0)
    plain = losses(ring(), "discriminator")[0]
    terms = losses(flipped, "discriminator")[0]
    # sp(-l) of a fake where the plain game has sp(l), whose difference is l.
    logits = plain["fake"] - terms["real"]
    np.testing.assert_allclose(jax.nn.softplus(-logits), terms["real"], rtol=1e-5)
    same = [losses(built, "generator")[0]["fake"] for built in (ring(), flipped)]
    np.testing.assert_array_equal(*same)


@pytest.mark.full
def test_the_generator_looks_through_the_steps_ahead():
    built = ring(experiment__unrolled_steps=2, experiment__unrolled_rate=0.5)
    terms, slopes = losses(built, "generator")
    plain, others = losses(ring(), "generator")
    # A discriminator that has learned on believes the fakes less.
    assert np.mean(terms["fake"]) > np.mean(plain["fake"])
    gaps = recipes.differences(slopes["generator"], others["generator"])
    assert max(gaps.values()) > 1e-6
    at_rest = ring(experiment__unrolled_steps=2, experiment__unrolled_rate=1e-30)
    still = losses(at_rest, "generator")[1]["generator"]
    recipes.assert_close(still, others["generator"], 1e-6)


SEEN = {"discriminator": ("real", "fake", "penalty"), "generator": ("fake",)}


def test_both_players_see_what_is_shown_and_penalties_too():
    noise = {"name": "gaussian_noise", "std": 100.0}
    shown = ring(experiment__augment=noise, experiment__penalty="r1")
    plain = ring(experiment__penalty="r1")
    for player, terms in SEEN.items():
        found, others = (losses(built, player)[0] for built in (shown, plain))
        for term in terms:
            assert np.max(np.abs(found[term] - others[term])) > 1e-3, term
    annealed = {"name": "linear", "value": 1.0, "steps": 2}
    noise = {"name": "gaussian_noise", "std": annealed}
    state, _ = recipes.run_rounds(ring(experiment__augment=noise), 3, 3)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_earlier_fakes_come_back_with_their_labels():
    config = recipes.plain("dcgan", "conditional", data__image_size="8")
    for network in config["model"].values():
        network["network"]["width"] = 8
    config["experiment"] |= {"pool": 5, "latent_dim": 8}
    built = Recipe.build(config)
    state, batch = built.init_state(), wide(built.example_batch())
    batch["label"] = jnp.arange(len(batch["x"])) % 10
    draw = Draw(batch, rng.stream(0, "test"), jnp.int32(0))
    fake = batch["label"].astype(jnp.float32)[:, None, None, None] + 0 * batch["x"]
    shown, asked, extra = built.experiment._from_pool(state.extra, draw, fake)
    label = asked["label"]
    np.testing.assert_array_equal(shown[:, 0, 0, 0], label)
    held = extra["pool"]["fake"]["images"]
    np.testing.assert_array_equal(held["x"][:, 0, 0, 0], held["label"])
    assert np.any(label != batch["label"])


def test_weights_stay_in_bounds():
    built = optimizers.build("sgd", learning_rate=1.0, clip_weights=0.1)()
    params = {"w": jnp.array([0.05, -0.3, 0.0])}
    gradient = {"w": jnp.array([-1.0, 0.0, 0.01])}
    update, _ = built.transform.update(gradient, built.transform.init(params), params)
    np.testing.assert_allclose(params["w"] + update["w"], [0.1, -0.1, -0.01], rtol=1e-6)
    optimizer = recipes.plain("gan_ring")["optimizer"]
    clipped = {**optimizer["discriminator"], "clip_weights": 0.01, "accumulate": 2}
    state, _ = recipes.run_rounds(
        Recipe.build(
            recipes.plain("gan_ring")
            | {"optimizer": {**optimizer, "discriminator": clipped}}
        ),
        4,
        4,
    )
    largest = lambda player: max(
        float(np.max(np.abs(leaf))) for leaf in jax.tree.leaves(state.params[player])
    )
    assert largest("discriminator") <= 0.01 + 1e-8 < largest("generator")


def test_each_player_has_its_learning_rate():
    rates = {"generator": 1e-4, "discriminator": 4e-4}
    optimizer = {
        player: {"name": "sign_sgd", "learning_rate": rate}
        for player, rate in rates.items()
    }
    built = Recipe.build(recipes.plain("gan_ring") | {"optimizer": optimizer})
    before = jax.device_get(built.init_state())
    after, _ = recipes.run_rounds(built, 1, 1)
    for player, rate in rates.items():
        moved = recipes.differences(after.params[player], before.params[player])
        np.testing.assert_allclose(max(moved.values()), rate, rtol=1e-3)


PENALTIES = (
    *("r1", "r2", "gradient_penalty", "dragan", "lecam", "latent_consistency"),
    *("orthogonal_regularization", "spectral_regularization", "historical_averaging"),
)
OF_THE_GENERATOR = (
    "historical_averaging",
    "latent_diversity",
    "path_length",
    "mode_seeking",
)


def test_penalties_go_together_lazily_and_with_all_else():
    """Traced on shapes."""
    chosen = {
        "penalty": [{"name": penalty, "every": 2} for penalty in PENALTIES],
        "generator_penalty": list(OF_THE_GENERATOR),
    }
    others = {"unrolled_steps": 1, "pool": 4, "top_k": 0.5, "generator_steps": 2}
    config = recipes.plain("gan_ring") | {"objective": {"name": "wasserstein"}}
    config["experiment"] |= chosen | others
    after, metrics = traced(config)
    assert {
        f"generator/generator_penalty_{part}" for part in OF_THE_GENERATOR
    } <= metrics
    for part in PENALTIES:
        assert any(name.startswith(f"discriminator/penalty_{part}") for name in metrics)
    assert jax.tree.structure(after) == jax.tree.structure(
        Recipe.build(config).shapes()
    )


def test_objectives_of_logits_are_games_of_two():
    for name in ("noisy_labels", "hinge", "relativistic", "relativistic_average"):
        _, metrics = traced(recipes.plain("gan_ring") | {"objective": {"name": name}})
        players = {metric.partition("/")[0] for metric in metrics}
        assert players == {"generator", "discriminator"}


def traced(config):
    """The state and the names of the metrics after a round, on shapes."""
    built = Recipe.build(config)
    draws = built.experiment.draws()
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * draws), built.example_batch())
    step = built.experiment.train_step
    after, metrics = jax.eval_shape(step, built.shapes(), batch, jax.random.key(0))
    return after, set(metrics)
