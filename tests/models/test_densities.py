"""Densities of codes: kernels and a small VAE against closed forms, and a mixture behind an autoencoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import KernelDensity

from genlab.errors import InputError
from genlab.registry import models

KEY = jax.random.key(0)


def test_kernels_lie_on_the_newest_examples_and_are_those_of_scikit_learn():
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32) * 3
    module = models.build("kernel_density", example_shape=(2,), kept=10, bandwidth=0.5)
    params = module.init(KEY, x[0], KEY)["params"]

    @jax.jit
    def step(params, x):
        loss = lambda p: jnp.mean(module.apply({"params": p}, x, KEY, train=True))
        value, slope = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - g, params, slope), value

    costs = []
    for batch in x:
        params, cost = step(params, batch)
        costs.append(cost)
    assert np.isfinite(costs).all()
    newest = np.concatenate([x[2], x[1], x[0][:2]])
    np.testing.assert_allclose(params["examples"], newest, atol=1e-5)
    np.testing.assert_array_equal(params["held"], np.ones(10))
    # Of whitened points the kernels are round.
    widths = newest.std(axis=0)
    peer = KernelDensity(bandwidth=0.5).fit(newest / widths)
    known = peer.score_samples(x[0] / widths) - np.log(widths).sum()
    found = jax.jit(module.apply)({"params": params}, x[0], KEY)
    np.testing.assert_allclose(found, -known, rtol=1e-4)
    draw = lambda: module.apply({"params": params}, KEY, 20_000, method="draw")
    draws = jax.jit(draw)()
    np.testing.assert_allclose(draws.mean(axis=0), newest.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(draws.var(axis=0), 1.25 * widths**2, rtol=0.05)


def test_the_bound_of_a_vae_density_without_weights_is_a_gaussian():
    module = models.build("vae_density", example_shape=(3,), latent_dim=2, hidden=())
    x = jnp.array([[0.5, -1.0, 2.0], [0.0, 0.3, 0.1]])
    params = jax.tree.map(jnp.zeros_like, module.init(KEY, x, KEY)["params"])
    params["log_scale"] = jnp.log(0.7)
    # q(u|x) is the prior and x does not depend on u.
    known = stats.norm.logpdf(x, 0, 0.7).sum(axis=1)
    np.testing.assert_allclose(
        module.apply({"params": params}, x, KEY), -known, rtol=1e-5
    )
    draw = lambda: module.apply({"params": params}, KEY, 5000, method="draw")
    np.testing.assert_allclose(jax.jit(draw)().std(), 0.7, rtol=0.02)


def test_examples_of_another_shape_are_refused():
    module = models.build("gaussian_mixture", example_shape=(3,))
    with pytest.raises(InputError, match="example_shape"):
        jax.eval_shape(module.init, KEY, jnp.zeros((2, 4)), KEY)
