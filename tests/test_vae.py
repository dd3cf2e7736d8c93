"""The bounds of a VAE against a linear-Gaussian model, whose log p(x) is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import recipes
from genlab.shipped.experiments.vae import Vae
from scipy import stats

from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.divergence import elbo, iwae
from genlab.run.recipe import Recipe

WEIGHTS = np.array([[1.0, -0.5, 2.0]], np.float32)  # z to the mean of x
SCALE = 0.7


class Posterior(nn.Module):
    """A Gaussian that is not the true posterior: half of its mean, and another variance."""

    @nn.compact
    def __call__(self, x, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        precision = 1 + np.sum(WEIGHTS**2) / SCALE**2
        mean = 0.5 * x @ WEIGHTS.T / SCALE**2 / precision
        return mean, jnp.full_like(mean, -1.0)


class Linear(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        return z @ WEIGHTS


def model(samples):
    networks = {"encoder": Posterior(), "decoder": Linear()}
    return Vae(
        {role: Network(role, module) for role, module in networks.items()},
        iwae,
        {},
        likelihood={"name": "gaussian", "scale": SCALE},
        latent_dim=1,
        samples=samples,
    )


def measured(samples, x):
    params, extra = model(samples).init(jax.random.key(0), {"x": x})
    draw = Draw({"x": x}, jax.random.key(1), jnp.int32(0))
    return jax.jit(model(samples).measure)(params, extra, draw)


def test_the_bound_of_many_samples_tightens_towards_the_likelihood():
    covariance = WEIGHTS.T @ WEIGHTS + SCALE**2 * np.eye(3)
    truth = stats.multivariate_normal(np.zeros(3), covariance)
    x = truth.rvs(4000, random_state=0).astype(np.float32)
    exact = -truth.logpdf(x).mean()
    # The negative ELBO is above by KL(q || p(z|x)), in closed form.
    precision = 1 + np.sum(WEIGHTS**2) / SCALE**2
    gap = 0.5 * x @ WEIGHTS[0] / SCALE**2 / precision
    ratio = precision * np.exp(-1.0)
    kl = 0.5 * (ratio + precision * gap**2 - 1 - np.log(ratio))
    means = {
        K: {name: float(values.mean()) for name, values in measured(K, x).items()}
        for K in (1, 5, 50)
    }
    for found in means.values():
        np.testing.assert_allclose(found["negative_elbo"], exact + kl.mean(), rtol=0.02)
    five, fifty = (means[K]["negative_bound"] for K in (5, 50))
    assert means[5]["negative_elbo"] > five + 0.05 > fifty + 0.1
    assert exact - 0.02 < fifty < exact + 0.1


def test_one_sample_is_the_elbo_with_a_sampled_divergence():
    x = jnp.arange(12.0).reshape(4, 3) / 6
    params, extra = model(1).init(jax.random.key(0), {"x": x})
    draw = Draw({"x": x}, jax.random.key(1), jnp.int32(0))
    posterior = model(1).posterior(params, extra, x)
    z = jnp.array([[0.3], [-1.0], [0.0], [2.0]])
    seen = model(1)._judged(draw, posterior, z, z @ WEIGHTS, {})
    log_q = stats.norm.logpdf(z, posterior[0], np.exp(0.5 * posterior[1]))[:, 0]
    kl = log_q - stats.norm.logpdf(z)[:, 0]
    sampled = sum(elbo(seen["reconstruction"], jnp.asarray(kl)).values())
    bound = iwae(seen["log_weights"])["bound"]
    np.testing.assert_allclose(bound, sampled, rtol=1e-5)


def test_many_samples_train_and_do_not_depend_on_devices():
    config = recipes.plain("vae", "tiny", experiment__samples="3", objective="iwae")
    built = Recipe.build(config)
    one = recipes.run_rounds(built, 2, 2)
    four = recipes.run_rounds(built, 2, 2, 4, "jit")
    recipes.assert_close(one[0], four[0], 1e-5)
    np.testing.assert_allclose(one[1]["vae/loss"], one[1]["vae/bound"])


def test_scale_of_each_pixel_is_learned_by_a_network_in_its_role():
    config = recipes.plain("vae_gaussian", "tiny")
    config["model"]["scale"] = {"name": "mlp_decoder", "hidden": [4]}
    built = Recipe.build(config)
    state, metrics = recipes.run_rounds(built, 2, 2)
    assert state.params["vae"]["scale"]["mlp"]["head"]["bias"].shape == (64,)
    assert np.isfinite(metrics["vae/scale"]).all()
    trained = built.trained(jax.device_put(state))
    assert np.isfinite(trained.scores("test", 256)["negative_elbo"]).all()
