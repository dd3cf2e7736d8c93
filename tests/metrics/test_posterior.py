"""A VAE's likelihood with a scale, and the health of its posterior, against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game.gaussian import Gaussian
from genlab.game.turn import Draw
from genlab.metrics.posterior import health
from genlab.run.recipe import Recipe


def test_health_of_linear_gaussian_posteriors():
    # x ~ N(0, 1) in each of three dimensions, q(z|x) = N(a x, s^2): q(z) = N(0, a^2 + s^2).
    slopes, stds = np.array([0.9, 0.5, 0.0]), np.array([0.5, 0.8, 1.0])
    x = np.random.default_rng(0).normal(size=(6000, 3))
    mean = (slopes * x).astype(np.float32)
    log_variance = np.broadcast_to(2 * np.log(stds), mean.shape).astype(np.float32)
    q = Gaussian(mean, log_variance)
    found = jax.device_get(jax.jit(health)(q, jax.random.key(0), 0.01))
    total = slopes**2 + stds**2
    information = 0.5 * np.log(total / stds**2)
    gap = 0.5 * (total - 1 - np.log(total))
    np.testing.assert_allclose(found["per_dimension"], information + gap, atol=0.02)
    assert found["kl"] == pytest.approx(np.sum(information + gap), abs=0.03)
    assert found["mutual_information"] == pytest.approx(information.sum(), abs=0.05)
    assert found["aggregate_gap"] == pytest.approx(gap.sum(), abs=0.05)
    assert found["active_units"] == 2


def test_a_posterior_that_ignores_its_example_says_nothing():
    blank = np.zeros((500, 4), np.float32)
    found = jax.device_get(
        jax.jit(health)(Gaussian(blank, blank), jax.random.key(0), 0.01)
    )
    for name in ("kl", "mutual_information", "aggregate_gap", "active_units"):
        assert found[name] == pytest.approx(0, abs=1e-5), name


def test_health_of_a_full_covariance_is_that_of_the_same_gaussians_turned():
    # Rotated, x ~ N(0, 1) in two dimensions, q(z|x) = N(R a x, R s^2 R^T).
    slopes, stds = np.array([0.9, 0.3]), np.array([0.5, 0.9])
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    x = np.random.default_rng(0).normal(size=(3000, 2))
    lower = np.linalg.cholesky(turn @ np.diag(stds**2) @ turn.T)
    diagonal = np.diag(lower)
    rows = lambda leaf: np.broadcast_to(leaf, (len(x), *leaf.shape)).astype(np.float32)
    mean = (x * slopes @ turn.T).astype(np.float32)
    q = Gaussian(mean, rows(2 * np.log(diagonal)), rows(lower / diagonal))
    found = jax.device_get(jax.jit(health)(q, jax.random.key(0), 0.01))
    total = slopes**2 + stds**2
    information = 0.5 * np.log(total / stds**2).sum()
    gap = 0.5 * (total - 1 - np.log(total)).sum()
    assert found["mutual_information"] == pytest.approx(information, abs=0.05)
    assert found["aggregate_gap"] == pytest.approx(gap, abs=0.05)
    assert found["kl"] == pytest.approx(information + gap, abs=0.05)


def vae(**overrides):
    return Recipe.build(recipes.plain("vae_gaussian", **overrides))


def test_learned_scale_is_that_of_the_likelihood():
    recipe = vae()
    params, extra = recipe.experiment.view(recipe.init_state())
    x = jnp.linspace(0, 1, 2 * 64).reshape(2, 8, 8, 1)
    draw = Draw({"x": x}, jax.random.key(0), jnp.zeros((), jnp.int32))
    log_scale = params["vae"]["scale"]["log_scale"]
    params["vae"]["scale"] = {"log_scale": jnp.full_like(log_scale, np.log(0.2))}
    learned = recipe.experiment.measure(params, extra, draw)["reconstruction"]
    config = recipes.plain("vae_gaussian", **{"experiment.likelihood.scale": "0.2"})
    del config["model"]["scale"]
    fixed = Recipe.build(config)
    np.testing.assert_allclose(
        fixed.experiment.measure(params, extra, draw)["reconstruction"],
        learned,
        rtol=1e-6,
    )


def test_optimal_scale_is_the_root_of_the_mean_squared_error():
    recipe = vae()
    params, extra = recipe.experiment.view(recipe.init_state())
    x = jax.random.uniform(jax.random.key(1), (4, 8, 8, 1))
    draw = Draw({"x": x}, jax.random.key(0), jnp.zeros((), jnp.int32))

    def total(log_scale):
        own = {**params["vae"], "scale": {"log_scale": log_scale}}
        found = recipe.experiment.measure({**params, "vae": own}, extra, draw)
        return jnp.mean(found["reconstruction"])

    # The outputs do not depend on the scale: at s = 1 the slope is D (1 - mean squared error).
    error = 1 - jax.grad(total)(jnp.zeros(())) / 64
    assert abs(jax.grad(total)(0.5 * jnp.log(error))) < 1e-3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"experiment.likelihood": "bernoulli"}, "'bernoulli' has no scale"),
        ({"experiment.likelihood.scale": "0.5"}, "choose one of the two"),
    ],
)
def test_scale_that_is_not_to_be_learned_is_refused(overrides, message):
    with pytest.raises(InputError, match=message):
        vae(**overrides)
