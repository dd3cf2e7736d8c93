"""Sparse codes and dictionaries against closed forms, scikit-learn, and their promise of a falling energy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Lasso

from genlab.inference.sparse import best_atoms, shrink, sparse_codes
from genlab.registry import models

KEY = jax.random.key(0)


def unit(shape, seed=0):
    atoms = np.random.default_rng(seed).normal(size=shape)
    return (atoms / np.linalg.norm(atoms, axis=1, keepdims=True)).astype(np.float32)


def energy(x, z, atoms, penalty):
    return 0.5 * np.sum((x - z @ atoms) ** 2, 1) + penalty * np.sum(np.abs(z), 1)


def test_shrinkage_and_codes_of_orthogonal_atoms_are_a_threshold():
    np.testing.assert_allclose(
        shrink(jnp.array([3.0, -0.2, -2.0]), 0.5), [2.5, 0.0, -1.5]
    )
    x = jnp.array([[2.0, -0.3, -1.0]])
    found = sparse_codes(x, jnp.eye(3), 0.5, steps=1)
    np.testing.assert_allclose(found, [[1.5, 0.0, -0.5]], atol=1e-6)


@pytest.mark.parametrize("accelerated", [True, False])
def test_codes_are_the_lasso(accelerated):
    atoms, penalty = unit((8, 5)), 0.2
    x = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    codes = lambda **knobs: np.asarray(sparse_codes(x, atoms, penalty, **knobs))
    found = codes(steps=600, accelerated=accelerated)
    peer = Lasso(penalty / 5, fit_intercept=False, tol=1e-10, max_iter=100_000)
    exact = atoms.T.astype(np.float64)
    known = np.stack([peer.fit(exact, one.astype(np.float64)).coef_ for one in x])
    np.testing.assert_allclose(found, known, atol=2e-3)
    # Few steps of FISTA are worth more than as many of ISTA.
    few = [
        energy(x, codes(steps=n, accelerated=a), atoms, penalty).sum()
        for n, a in ((10, False), (11, False), (30, False), (30, True))
    ]
    assert few[0] >= few[1] >= few[2] >= few[3] - 1e-6


def test_an_atom_is_the_mean_direction_of_what_the_others_leave():
    z = np.array([[1.0, 0.0], [2.0, 0.0]], np.float32)
    x = np.array([[1.0, 1.0], [0.0, 1.0]], np.float32)
    found = best_atoms(jnp.eye(2), jnp.asarray(z.T @ z), jnp.asarray(z.T @ x))
    wanted = np.array([1.0, 3.0]) / np.sqrt(10)
    # The second is used by none and stays.
    np.testing.assert_allclose(found, [wanted, [0.0, 1.0]], atol=1e-6)


def test_energy_never_rises_and_atoms_stay_of_norm_one():
    truth = unit((6, 5), 3)
    generator = np.random.default_rng(4)
    z = generator.laplace(size=(200, 6)) * (generator.random((200, 6)) < 0.4)
    x = (z @ truth + 0.05 * generator.normal(size=(200, 5))).astype(np.float32)
    module = models.build(
        "sparse_dictionary", example_shape=(5,), atoms=6, std=0.5, scale=1.0, steps=400
    )
    params = module.init(KEY, x, KEY)["params"]

    @jax.jit
    def step(params):
        loss = lambda p: jnp.mean(module.apply({"params": p}, x, KEY, train=True))
        value, slope = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - g, params, slope), value

    costs = []
    for _ in range(25):
        params, cost = step(params)
        costs.append(float(cost))
    assert np.all(np.diff(costs) < 1e-4), np.diff(costs).max()
    assert costs[-1] < costs[0] - 0.1
    norms = np.linalg.norm(params["atoms"], axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-5)
    codes = module.apply({"params": params}, x, method="code")
    own = energy(x, np.asarray(codes), np.asarray(params["atoms"]), 0.25) / 0.25
    constant = 5 * (np.log(0.5) + 0.5 * np.log(2 * np.pi)) + 6 * np.log(2.0)
    found = module.apply({"params": params}, x, KEY)
    np.testing.assert_allclose(found, own + constant, rtol=1e-4)


def test_draws_have_the_moments_of_the_prior():
    module = models.build(
        "sparse_dictionary", example_shape=(2,), atoms=2, std=0.1, scale=0.5
    )
    variables = {"params": {"atoms": jnp.eye(2)}}
    draws = module.apply(variables, KEY, 20_000, method="draw")
    np.testing.assert_allclose(draws.var(axis=0), 2 * 0.25 + 0.01, rtol=0.05)
    np.testing.assert_allclose(jnp.mean(jnp.abs(draws)), 0.5, rtol=0.05)
