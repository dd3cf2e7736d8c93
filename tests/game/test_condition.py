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


HERE = "test_condition"


def told_apart(critic, critic_of_fakes, real, fake):
    """How differently one image is judged as what is real and as what a fake was asked to be."""
    return {
        "real": abs(critic(real) - critic_of_fakes(real)),
        "fake": abs(critic(fake) - critic_of_fakes(fake)),
    }


def as_asked(critic_of_fakes, generator, latent, fake, fake_logits):
    """0 where the generator and the critic are given what the fakes were asked to be, seen in training."""
    return abs(generator(latent) - fake).mean() + abs(
        critic_of_fakes(fake) - fake_logits
    )


def test_penalties_of_fakes_see_what_these_were_asked_to_be():
    def paid(part, **knobs):
        config = recipes.plain("cgan")
        config["model"]["discriminator"]["network"]["norm"] = "none"
        config["experiment"] |= {"penalty": f"{HERE}:{part}", **knobs}
        built = Recipe.build(config)
        found = recipes.run_rounds(built, 2, 2)[1]
        return [v for name, v in found.items() if "discriminator/penalty" in name]

    for term in paid("told_apart"):
        np.testing.assert_array_equal(term, 0.0)
    for term in paid("told_apart", interpolated=1.0):
        assert np.all(term > 1e-4)
    (off,) = paid("as_asked", interpolated=1.0)
    assert np.all(off < 1e-5)


@pytest.mark.parametrize(
    ("game", "knobs", "told"),
    [
        ("gan_ring", {"generator_penalty": "r1"}, "'r1' is paid by the discriminator"),
        (
            "gan_ring",
            {"penalty": "latent_diversity"},
            "'latent_diversity' is paid by the generator, and nothing that the discr",
        ),
        (
            "dcgan",
            {"generator_penalty": {"name": "path_length", "space": "style"}},
            "'dcgan_generator' has no method 'mapping'",
        ),
        ("dcgan", {"interpolated": 0.5}, "interpolated conditions need a network"),
        ("packed", {"penalty": "r1"}, "gives 2 of them one logit; take a critic with"),
    ],
)
def test_penalties_and_conditions_that_do_nothing_are_refused(game, knobs, told):
    config = recipes.plain("gan_ring" if game == "packed" else game)
    if game == "packed":
        inside = config["model"]["discriminator"]
        config["model"]["discriminator"] = {"name": "packed", "network": inside}
    config["experiment"] |= knobs
    with pytest.raises(InputError, match=told):
        built = Recipe.build(config)
        check_fit(built, built.feed())


def test_an_interpolated_condition_reaches_both_networks_and_the_pool():
    built = matching_aware(interpolated=0.5, pool=4)
    check_fit(built, built.feed())
    pool = built.shapes().extra["pool"]["fake"]
    assert pool["images"]["label"].shape == (4, 10)
