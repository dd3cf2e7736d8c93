"""Spectral normalisation against the singular value decomposition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.models.dcgan import DcganDiscriminator
from genlab.models.spectral import Spectral
from genlab.nn.spectral import power_step
from genlab.registry import models
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit

KEY = jax.random.key(0)


@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 4, 6)])
def test_power_steps_reach_the_largest_singular_value(shape):
    kernel = jax.random.normal(KEY, shape)
    step = jax.jit(power_step)
    vector = jnp.ones(shape[-1])
    for _ in range(100):
        sigma, vector = step(kernel, vector)
    left, values, right = np.linalg.svd(np.reshape(kernel, (-1, shape[-1])))
    np.testing.assert_allclose(sigma, values[0], rtol=1e-5)
    np.testing.assert_allclose(np.abs(vector @ right[0]), 1.0, rtol=1e-5)
    slope = jax.grad(lambda kernel: power_step(kernel, vector)[0])(kernel)
    expected = np.outer(left[:, 0], right[0])  # of either sign, together
    np.testing.assert_allclose(slope.reshape(expected.shape), expected, atol=1e-3)


def test_one_step_underestimates_and_follows_the_definition():
    """W = diag(3, 1) from u = (1, 1): v = (3, 1)/sqrt(10), u' ~ (9, 1), sigma = sqrt(82/10)."""
    sigma, vector = power_step(jnp.diag(jnp.array([3.0, 1.0])), jnp.ones(2))
    np.testing.assert_allclose(vector, np.array([9, 1]) / np.sqrt(82), rtol=1e-6)
    np.testing.assert_allclose(sigma, np.sqrt(8.2), rtol=1e-6)


def test_vectors_persist_and_kernels_get_norm_one():
    inside = DcganDiscriminator((16, 16, 1), width=2)
    network, x = Spectral(inside), jax.random.normal(KEY, (4, 16, 16, 1))
    variables = network.init(KEY, x)
    assert set(variables) == {"params", "batch_stats", "spectral"}
    assert set(variables["spectral"]) == {
        *("conv_0.kernel", "conv_1.kernel", "to_logit.kernel")
    }
    params = variables["params"]["network"]

    @jax.jit
    def use(variables):
        mutable = ["spectral", "batch_stats"]
        logits, renewed = network.apply(variables, x, train=True, mutable=mutable)
        return logits, {**variables, **renewed}

    for _ in range(60):
        logits, variables = use(variables)
    divided = dict(params)
    for name in ("conv_0", "conv_1", "to_logit"):
        kernel = np.asarray(params[name]["kernel"])
        sigma = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1][0]
        divided[name] = {**params[name], "kernel": kernel / sigma}
    statistics = variables["batch_stats"]["network"]
    bare = {"params": divided, "batch_stats": statistics}
    expected, _ = inside.apply(bare, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    found, expected = network.apply(variables, x), inside.apply(bare, x)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    features = network.apply(variables, x, method="features")
    assert features.shape == (4, 64)


def test_a_use_after_training_changes_no_vector():
    network = Spectral(models.build("mlp_discriminator", hidden=(3,)))
    x = jax.random.normal(KEY, (4, 2))
    variables = network.init(KEY, x)
    _, same = network.apply(variables, x, mutable=["spectral"])
    _, moved = network.apply(variables, x, train=True, mutable=["spectral"])
    before = variables["spectral"]["mlp.hidden_0.kernel"]
    np.testing.assert_array_equal(same["spectral"]["mlp.hidden_0.kernel"], before)
    assert np.abs(moved["spectral"]["mlp.hidden_0.kernel"] - before).max() > 1e-6


def test_a_wasserstein_critic_may_be_bounded_by_it():
    config = recipes.plain("gan_ring")
    config["objective"] = {"name": "wasserstein"}
    config["experiment"].pop("penalty")
    inside = config["model"]["discriminator"]
    config["model"]["discriminator"] = {"name": "spectral", "network": inside}
    recipe = Recipe.build(config)
    check_fit(recipe, recipe.feed())
    state, _ = recipes.run_rounds(recipe, 2, 2)
    before = jax.device_get(recipe.init_state().extra["spectral"])
    moved = recipes.differences(state.extra["spectral"], before)
    assert moved["discriminator/mlp.hidden_0.kernel"] > 0
    shared, _ = recipes.run_rounds(recipe, 2, 2, 2, "pmap")
    recipes.assert_close(state, shared, 1e-5)
