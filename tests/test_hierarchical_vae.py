"""A chain of latents against a linear-Gaussian one, whose log p(x) is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.hierarchical_vae import LAYERS, HierarchicalVae
from scipy import special, stats

from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.metrics.latent_use import latent_use
from genlab.objectives.bound import iwae
from genlab.run.recipe import Recipe

SLOPES = {
    "encoder": 0.4,
    "upper_encoder": 0.7,
    "upper_decoder": 0.8,
    "top_encoder": 0.5,
    "top_decoder": 0.6,
}
SCALE = 0.5


class Line(nn.Module):
    """A Gaussian around a multiple of its input, of variance 1/2."""

    slope: float

    @nn.compact
    def __call__(self, x, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        return self.slope * x, jnp.full_like(x, np.log(0.5))


class Same(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        return z


def chain(inference, layers):
    roles = [role for layer in LAYERS[:layers] for role in layer]
    networks = {
        role: Network(role, Same() if role == "decoder" else Line(SLOPES[role]))
        for role in roles
    }
    return HierarchicalVae(
        networks,
        iwae,
        {},
        likelihood={"name": "gaussian", "scale": SCALE},
        latent_dim=1,
        inference=inference,
    )


@pytest.mark.parametrize(
    ("inference", "layers"), [("bottom_up", 2), ("top_down", 2), ("top_down", 3)]
)
def test_many_draws_find_the_likelihood_of_a_linear_chain(inference, layers):
    variance = 1.0
    for _, decoder in reversed(LAYERS[1:layers]):
        variance = SLOPES[decoder] ** 2 * variance + 0.5
    x = np.linspace(-2, 2, 8, dtype=np.float32)[:, None]
    exact = stats.norm.logpdf(x[:, 0], 0, np.sqrt(variance + SCALE**2))
    vae = chain(inference, layers)
    params, extra = vae.init(jax.random.key(0), {"x": x})
    draw = Draw({"x": x}, jax.random.key(1), jnp.int32(0))
    weights = np.asarray(vae.log_weights(params, extra, draw, 20_000), np.float64)
    found = special.logsumexp(weights, axis=1) - np.log(20_000)
    np.testing.assert_allclose(found, exact, atol=0.05)
    # The density of latents that are given is that with which they were drawn.
    cast = Cast(vae.networks, params, extra)
    drawn = vae.infer(cast, draw, 3)
    again = vae.infer(cast, draw, 3, at=drawn.latents)
    np.testing.assert_allclose(again.log_q, drawn.log_q, atol=1e-5)
    assert [leaf.shape for leaf in drawn.latents] == [(24, 1)] * layers


def test_lengths_of_layers_and_halves_of_a_third_are_checked():
    config = recipes.plain("iwae", "tiny")
    config["model"]["upper_decoder"]["latent_dim"] = 5
    with pytest.raises(InputError, match="model.upper_decoder gives latents of length"):
        Recipe.build(config).shapes()
    config = recipes.plain("iwae", "tiny")
    config["model"]["top_encoder"] = config["model"]["upper_encoder"]
    with pytest.raises(InputError, match="half of a third layer"):
        Recipe.build(config)


@pytest.mark.full
@pytest.mark.parametrize("objective", ["dreg", "elbo"])
def test_a_chain_trains_top_down_and_tells_how_it_is_used(objective):
    others = {"experiment__inference": "top_down", "objective": objective}
    built = Recipe.build(recipes.plain("iwae", "tiny", **others))
    state, metrics = recipes.run_rounds(built, 2, 2)
    assert np.isfinite(metrics["vae/loss"]).all()
    trained = built.trained(jax.device_put(state))
    told = latent_use(trained, "test", num=50, draws=2).values
    assert {"kl", "active_units_1", "active_units_2"} <= told.keys()
    assert trained.call("reconstruct", trained.examples("test", 3)["x"]).shape[0] == 3
