"""What fakes are asked to be: codes, other classes, classes between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import condition, parallel
from genlab.game.codes import Codes
from genlab.game.turn import Draw
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit


def test_codes_are_even_categories_and_uniform_values():
    codes = Codes((10, 2), 2)
    drawn = np.array(codes.draw(jax.random.key(0), 2000))
    assert drawn.shape == (2000, codes.width) == (2000, 14)
    parts = codes.split(jnp.array(drawn))
    for one, count in zip(parts.categories, codes.categorical, strict=True):
        np.testing.assert_array_equal(np.sort(one, axis=1)[:, -2:], [[0, 1]] * 2000)
        np.testing.assert_allclose(one.mean(axis=0), 1 / count, atol=0.04)
    assert np.abs(parts.values).max() <= 1
    np.testing.assert_allclose(parts.values.var(axis=0), 1 / 3, atol=0.02)
    together = np.corrcoef(drawn[:, 0], drawn[:, -1])[0, 1]
    assert abs(together) < 0.1
    np.testing.assert_array_equal(codes.draw(jax.random.key(0), 2000), drawn)


def test_another_label_is_the_next_that_differs():
    label = jnp.array([1, 1, 2, 0, 1])
    np.testing.assert_array_equal(condition.other_label(label), [2, 2, 0, 1, 2])
    np.testing.assert_array_equal(condition.other_label(jnp.array([3, 3])), [3, 3])


def test_another_label_is_looked_for_on_all_devices():
    label = jnp.array([1, 1, 1, 0])

    def found(label):
        with parallel.mapped():
            return condition.other_label(label)

    shared = jax.pmap(found, axis_name=parallel.BATCH, devices=jax.devices()[:2])
    np.testing.assert_array_equal(
        shared(label.reshape(2, 2)).ravel(), condition.other_label(label)
    )


def test_an_interpolated_label_is_half_of_another():
    label = jnp.array([0, 2, 1])
    all_of_them = condition.interpolated(label, jax.random.key(0), 1.0, 3)
    half = [[0.5, 0, 0.5], [0, 0.5, 0.5], [0.5, 0.5, 0]]
    np.testing.assert_array_equal(all_of_them, half)
    none = condition.interpolated(label, jax.random.key(0), 0.0, 3)
    np.testing.assert_array_equal(none, np.eye(3)[label])


def matching_aware(**knobs):
    config = recipes.plain("cgan")
    config["experiment"] |= {"mismatched": 0.5, **knobs}
    return Recipe.build(config)


def test_mismatched_pairs_are_half_of_the_fakes_by_hand():
    """L = -log D(x, c) - 1/2 log(1 - D(G(z, c), c)) - 1/2 log(1 - D(x, c')), eq. 4 of Reed et al."""
    built = matching_aware()
    state, experiment = built.init_state(), built.experiment
    x = jax.random.uniform(jax.random.key(1), (4, 8, 8, 1))
    draw = Draw(
        {"x": x, "label": jnp.array([0, 1, 1, 2])}, jax.random.key(0), jnp.int32(0)
    )
    loss = experiment.players()["discriminator"].loss(state.params, state.extra, draw)
    fake, _ = experiment._generate(state.params, state.extra, draw)

    def softplus(sign, x, label, name):
        network = experiment.networks["discriminator"]
        logits, _ = network.train(
            state.params, state.extra, x, key=draw.key(name), label=label
        )
        return jax.nn.softplus(sign * logits)

    label, wrong = draw.batch["label"], jnp.array([1, 2, 2, 0])
    np.testing.assert_allclose(
        loss.terms["real"], softplus(-1, x, label, "real"), rtol=1e-4
    )
    fakes = softplus(1, fake, label, "fake") + softplus(1, x, wrong, "mismatched")
    np.testing.assert_allclose(loss.terms["fake"], fakes / 2, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "knobs", "discriminator", "told"),
    [
        (
            "infogan",
            {},
            "mlp_discriminator",
            "needs a discriminator that tells 'codes'",
        ),
        ("acgan", {}, "dcgan_discriminator", "tells 'classes'"),
        ("acgan", {"mismatched": 0.5}, None, "mismatched pairs need a network"),
        ("infogan", {"categorical": ()}, None, "head 'codes', and a game without"),
    ],
)
def test_games_that_cannot_be_are_refused(name, knobs, discriminator, told):
    config = recipes.plain(name)
    config["eval"]["metrics"], config["sample"]["plots"] = [], []
    config["experiment"] |= knobs | (
        {"continuous": 0} if "categorical" in knobs else {}
    )
    if discriminator:
        config["model"]["discriminator"] = {"name": discriminator}
    with pytest.raises(InputError, match=told):
        built = Recipe.build(config)
        check_fit(built, built.feed())


def test_an_interpolated_condition_reaches_both_networks_and_the_pool():
    built = matching_aware(interpolated=0.5, pool=4)
    check_fit(built, built.feed())
    pool = built.shapes().extra["pool"]["fake"]
    assert pool["images"]["label"].shape == (4, 10)
