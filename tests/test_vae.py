"""The bounds of a VAE against a linear-Gaussian model, whose log p(x) is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.vae import Vae
from scipy import stats

from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.metrics.latent_use import latent_use
from genlab.metrics.posterior import posterior
from genlab.objectives.bound import elbo, iwae
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
    vae = model(1)
    params, extra = vae.init(jax.random.key(0), {"x": x})
    draw = Draw({"x": x}, jax.random.key(1), jnp.int32(0))
    seen, _ = vae._seen(Cast(vae.networks, params, extra), draw, 1)
    mean, log_variance = vae.posterior(params, extra, x)
    log_q = stats.norm.logpdf(seen["z"], mean, np.exp(0.5 * log_variance))[:, 0]
    kl = log_q - stats.norm.logpdf(seen["z"])[:, 0]
    sampled = sum(elbo(seen["reconstruction"], jnp.asarray(kl)).values())
    bound = iwae(seen["log_weights"])["bound"]
    np.testing.assert_allclose(bound, sampled, rtol=1e-5)
    apart = vae.log_weights(params, extra, draw, 1)
    np.testing.assert_allclose(apart, seen["log_weights"], rtol=1e-6)


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


FULL = {"encoder": {"covariance": "full"}}
FLOW = {"flow": {"name": "planar_flow", "length": 2}}
VAMP = {"prior": {"name": "vamp_prior", "components": 5}}


def run(model, **others):
    """The tiny recipe with other networks, and another objective perhaps."""
    config = recipes.plain("vae", "tiny", **others)
    for role, part in model.items():
        config["model"][role] = config["model"].get(role, {}) | part
    return Recipe.build(config)


def test_a_posterior_that_is_no_plain_gaussian_has_the_divergence_of_its_draws():
    """The KL of a full covariance in closed form, and without one that of the drawn weights."""
    built = run(FULL)
    experiment, state = built.experiment, built.init_state()
    x = jnp.asarray(built.data.splits["test"].gather(np.arange(4))["x"] / 255.0)
    draw = Draw({"x": x.astype(jnp.float32)}, jax.random.key(0), jnp.int32(0))
    closed = experiment.measure(state.params, state.extra, draw)["kl"]
    _, ratio = experiment.draw_latents(state.params, state.extra, draw, 4000)
    np.testing.assert_allclose(ratio.mean(axis=1), closed, atol=0.1)
    assert float(closed.min()) > 0.1


@pytest.mark.full
@pytest.mark.parametrize("model", [FLOW, FULL | VAMP])
def test_posteriors_and_priors_train_sample_and_tell_of_their_health(model):
    built = run(model)
    state, metrics = recipes.run_rounds(built, 2, 2)
    assert np.isfinite(metrics["vae/loss"]).all()
    trained = built.trained(jax.device_put(state))
    assert trained.sample(3).shape == (3, 8, 8, 1)
    assert np.isfinite(trained.scores("test", 256)["negative_elbo"]).all()
    told = latent_use(trained, "test", num=50, draws=2).values
    assert np.isfinite(told["kl"])
    if model is FLOW:
        with pytest.raises(InputError, match="'latent_use' draws from any"):
            posterior(trained, "test", num=50)
    else:
        health = posterior(trained, "test", num=50).values
        assert all(map(np.isfinite, health.values()))


@pytest.mark.parametrize(
    ("objective", "need"),
    [("free_bits_per_dimension", "kl_per_dimension"), ("dreg", "path_log_weights")],
)
def test_what_a_posterior_has_not_is_refused_to_objectives_that_need_it(
    objective, need
):
    built = run(FLOW, objective=objective)
    draw = Draw({"x": jnp.zeros((2, 8, 8, 1))}, jax.random.key(0), jnp.int32(0))
    shapes = built.shapes()
    with pytest.raises(InputError, match=f"'{objective}' needs '{need}'"):
        jax.eval_shape(built.experiment._loss, shapes.params, shapes.extra, draw)


def test_a_flow_needs_an_encoder_that_shows_its_features():
    with pytest.raises(InputError, match="model.flow needs an encoder with a method"):
        Vae(
            {
                "encoder": Network("encoder", Posterior()),
                "decoder": Network("decoder", Linear()),
                "flow": Network("flow", Linear()),
            },
            iwae,
            {},
        )
