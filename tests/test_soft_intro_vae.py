"""Soft-IntroVAE on numbers made by hand: its terms, and which slopes each player sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.soft_intro_vae import SoftIntroVae
from scalar_networks import Times

from genlab.errors import InputError
from genlab.game import schedule
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.introspective import soft_introspection
from genlab.run.recipe import Recipe

KNOBS = {"beta_rec": 2.0, "beta_kl": 0.5, "beta_neg": 3.0, "gamma_r": 0.1}


def terms(**knobs):
    numbers = (jnp.full(2, value) for value in (4.0, 2.0, 1.0, 3.0, 2.0, 5.0))
    found = soft_introspection(jnp.zeros((2, 2, 2, 1)), *numbers, **KNOBS, **knobs)
    return {
        player: {name: float(term[1]) for name, term in own.items()}
        for player, own in found.items()
    }


def test_terms_by_hand():
    """s = 1/4 of four numbers in an example."""
    found = terms()
    assert found["encoder"] == pytest.approx(
        {
            "reconstruction": 2 * 4 / 4,
            "kl": 0.5 * 2 / 4,
            "bound_of_reconstruction": np.exp(-2 / 4 * (2 * 1 + 3 * 3)) / 4,
            "bound_of_sample": np.exp(-2 / 4 * (2 * 2 + 3 * 5)) / 4,
        }
    )
    assert found["decoder"] == pytest.approx(
        {
            "reconstruction": 2 * 4 / 4,
            "kl_of_reconstruction": 0.5 * 3 / 4 / 2,
            "kl_of_sample": 0.5 * 5 / 4 / 2,
            "reconstruction_of_reconstruction": 0.1 * 2 * 1 / 4 / 2,
            "reconstruction_of_sample": 0.1 * 2 * 2 / 4 / 2,
        }
    )


def test_scale_is_a_knob_and_without_the_game_it_is_a_vae():
    found = terms(scale=1.0, adversarial_weight=0.0)
    weighed = {"encoder": {"reconstruction": 8.0, "kl": 1.0}}
    weighed["decoder"] = {"reconstruction": 8.0}
    for player, own in found.items():
        assert {name: value for name, value in own.items() if value} == weighed[player]


def raw(
    reconstruction,
    kl,
    reconstruction_of_reconstruction,
    kl_of_reconstruction,
    reconstruction_of_sample,
    kl_of_sample,
):
    own = {name: value for name, value in locals().items() if name != "own"}
    return {"encoder": own, "decoder": own}


def slopes(player, **knobs):
    """Of every number that is offered, by the weight of the player; and the latent of the sample."""
    networks = {"encoder": Times(0.5, gaussian=True), "decoder": Times(3.0)}
    game = SoftIntroVae(
        {role: Network(role, module) for role, module in networks.items()},
        raw,
        {"encoder": None, "decoder": None},
        likelihood="squared_error",
        latent_dim=1,
        **knobs,
    )
    batch = {"x": jnp.array([[2.0]])}
    params, extra = game.init(jax.random.key(0), batch)
    draw = Draw(batch, jax.random.key(1), jnp.int32(0))
    loss = game.players()[player].loss
    total = lambda params: loss(params, extra, draw).terms
    found = jax.jit(jax.jacobian(total))(params)
    z = float(game.latents(draw.key("prior"), 1)[0, 0])
    weight = {
        name: float(slope[player][player]["w"][0]) for name, slope in found.items()
    }
    return weight, z


def test_the_encoder_takes_what_is_decoded_as_given():
    """x = 2, mean x / 2 = 1, reconstruction 3, its mean 1.5, decoded to 4.5."""
    found, z = slopes("encoder")
    known = {
        "reconstruction": -(2 - 3) * 3 * 2,
        "kl": 0.5 * 2**2,
        "reconstruction_of_reconstruction": (3 - 4.5) * -3 * 3,
        "kl_of_reconstruction": 0.5 * 3**2,
        "reconstruction_of_sample": (3 - 4.5) * -3 * 3 * z**2,
        "kl_of_sample": 0.5 * (3 * z) ** 2,
    }
    assert found == pytest.approx(known, rel=1e-5)
    # The authors' code moves the target of the second reconstruction too, by 3 x = 6.
    of_authors, _ = slopes("encoder", detach_targets=False)
    known["reconstruction_of_reconstruction"] += (3 - 4.5) * 6
    assert of_authors == pytest.approx(known, rel=1e-5)


def test_the_decoder_takes_codes_and_targets_as_given_and_not_what_is_encoded():
    found, z = slopes("decoder")
    known = {
        "reconstruction": -(2 - 3) * 1,
        "kl": 0.0,
        "reconstruction_of_reconstruction": (3 - 4.5) * -1.5,
        "kl_of_reconstruction": 0.5**2 * 3,
        "reconstruction_of_sample": (3 - 4.5) * -1.5 * z**2,
        "kl_of_sample": 0.5**2 * 3 * z**2,
    }
    assert found == pytest.approx(known, rel=1e-5)


def test_a_plain_vae_first():
    factor = schedule.delayed(steps=3)
    np.testing.assert_array_equal([factor(step) for step in (0, 2, 3, 9)], [0, 0, 1, 1])


def test_an_objective_of_others_is_refused():
    config = recipes.plain("soft_intro_vae", "tiny", objective="elbo")
    with pytest.raises(InputError, match="returned no terms of 'encoder'"):
        Recipe.build(config)
