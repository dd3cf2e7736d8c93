"""VAE-GAN on numbers made by hand: what each of its three players learns from."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.vae_gan import VaeGan
from scalar_networks import Times

from genlab.errors import InputError
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.adversarial import non_saturating
from genlab.run.recipe import Recipe


class Judge(nn.Module):
    """Its features are w times the example, its logit minus that."""

    weight: float

    def setup(self):
        self.w = self.param("w", nn.initializers.constant(self.weight), ())

    def features(self, x, *, train=False):
        return self.w * x

    def __call__(self, x, *, train=False):
        return -self.features(x)[:, 0]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_each_player_learns_from_its_own_terms():
    """x = 2, z = x / 2 = 1, its reconstruction 3 z, features five times an example."""
    networks = {
        "encoder": Times(0.5, gaussian=True),
        "decoder": Times(3.0),
        "discriminator": Judge(5.0),
    }
    game = VaeGan(
        {role: Network(role, module) for role, module in networks.items()},
        non_saturating,
        dict.fromkeys(networks),
        latent_dim=1,
        kl_weight=0.1,
        feature_weight=0.2,
    )
    batch = {"x": jnp.array([[2.0]])}
    params, extra = game.init(jax.random.key(0), batch)
    draw = Draw(batch, jax.random.key(1), jnp.int32(0))
    z = float(game.latents(draw.key("prior"), 1)[0, 0])

    @jax.jit
    def slopes(params):
        found = {}
        for name, player in game.players().items():
            terms = lambda params, loss=player.loss: loss(params, extra, draw).terms
            found[name] = jax.jacobian(terms)(params)
        return found

    found = {
        player: {
            term: float(slope[player][player]["w"][0]) for term, slope in terms.items()
        }
        for player, terms in slopes(params).items()
    }
    # 1/2 (5 * 2 - 5 * 3)^2: its slope is -5 by the feature, times 5 * 3 * 2 by the encoder.
    assert found["encoder"] == pytest.approx(
        {"features": -(10 - 15) * 5 * 3 * 2, "kl": 0.1 * 0.5 * 2**2}, rel=1e-5
    )
    # sp(-l) of l = -5 d z has the slope 5 z sigmoid(5 d z), half of it.
    generator = {
        "fake_reconstruction": 0.5 * 5 * sigmoid(5 * 3),
        "fake_sample": 0.5 * 5 * z * sigmoid(5 * 3 * z),
    }
    assert found["decoder"] == pytest.approx(
        {"features": 0.2 * -(10 - 15) * 5, **generator}, rel=1e-5
    )
    # sp(-l) of l = -w x at x = 2, and sp(l) at the fakes 3 and 3 z.
    real = 0.5 * 2 * sigmoid(5 * 2)
    assert found["discriminator"] == pytest.approx(
        {
            "real_reconstruction": real,
            "real_sample": real,
            "fake_reconstruction": 0.5 * -3 * sigmoid(-5 * 3),
            "fake_sample": 0.5 * -3 * z * sigmoid(-5 * 3 * z),
        },
        rel=1e-4,
    )


def test_a_discriminator_without_features_is_refused():
    config = recipes.plain("vae_gan")
    config["model"]["discriminator"] = {"name": "patch_discriminator", "width": 4}
    with pytest.raises(
        InputError, match="needs a discriminator with a method 'features'"
    ):
        Recipe.build(config)
