"""Bounds against hand-made numbers, their order in K, and the gradients of `dreg`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.objectives.bound import (
    capacity,
    ciwae,
    dreg,
    free_bits,
    free_bits_per_dimension,
    iwae,
    miwae,
    piwae,
)

LOG2 = np.log(2)
WEIGHTS = jnp.log(jnp.array([[1.0, 3.0, 2.0, 2.0], [4.0, 4.0, 0.5, 1.5]]))


def test_groups_and_mixes_of_weights_by_hand():
    # Groups of two have means 2, 2 and 4, 1; all four have 2 and 2.5.
    np.testing.assert_allclose(
        miwae(WEIGHTS, groups=2)["bound"], [-LOG2, -LOG2], rtol=1e-6
    )
    elbo = -np.log([12, 12]) / 4
    np.testing.assert_allclose(miwae(WEIGHTS, groups=4)["bound"], elbo, rtol=1e-6)
    tight = -np.log([2, 2.5])
    np.testing.assert_allclose(iwae(WEIGHTS)["bound"], tight, rtol=1e-6)
    mixed = ciwae(WEIGHTS, beta=0.25)["bound"]
    np.testing.assert_allclose(mixed, 0.25 * elbo + 0.75 * tight, rtol=1e-6)
    both = piwae(WEIGHTS, groups=2)
    np.testing.assert_allclose(both["encoder"]["bound"], [-LOG2, -LOG2], rtol=1e-6)
    np.testing.assert_allclose(both["decoder"]["bound"], tight, rtol=1e-6)
    with pytest.raises(InputError, match="groups=3 do not share experiment.samples=4"):
        miwae(WEIGHTS, groups=3)


def test_free_bits_are_bits():
    reconstruction, kl = jnp.zeros(3), jnp.array([1.0, 2.0, 3.0])
    found = free_bits(reconstruction, kl, bits=2.0, beta=0.5)["kl"]
    np.testing.assert_allclose(found, [0, 0.5 * (2 - 2 * LOG2), 0.5 * (3 - 2 * LOG2)])
    # Of each dimension on average over the batch: means 1 and 0.1 nats, ln 2 / 2 free.
    each = jnp.array([[0.0, 0.2], [2.0, 0.0]])
    found = free_bits_per_dimension(reconstruction[:2], each, bits=0.5)["kl"]
    np.testing.assert_allclose(found, 1 - 0.5 * LOG2, rtol=1e-6)


def test_capacity_is_a_distance():
    found = capacity(jnp.zeros(3), jnp.array([1.0, 2.0, 5.0]), gamma=10.0, nats=2.0)
    np.testing.assert_allclose(found["capacity"], [10.0, 0.0, 30.0])


# z = a + b eps, q = N(a, b^2), p(z) = N(0, 1), p(x|z) = N(c z, 1), x = 1.
PARAMETERS = {"a": 0.3, "b": 0.7, "c": 0.8}


def log_weights(p, q, z):
    log_normal = lambda x, m, s: -0.5 * jnp.square((x - m) / s) - jnp.log(s)
    return (
        log_normal(1.0, p["c"] * z, 1.0)
        + log_normal(z, 0.0, 1.0)
        - log_normal(z, q["a"], q["b"])
    )


def losses(parameters, noise):
    """`iwae` and `dreg` of `noise: [B, K]`."""
    held = jax.lax.stop_gradient
    z = parameters["a"] + parameters["b"] * noise
    whole = log_weights(parameters, parameters, z)
    generative = log_weights(parameters, held(parameters), held(z))
    path = log_weights(held(parameters), held(parameters), z)
    return iwae(whole)["bound"], dreg(generative, path)["bound"]


def test_doubly_reparameterised_gradient_is_the_same_with_less_noise():
    noise = jax.random.normal(jax.random.key(0), (20_000, 16))
    given = jax.tree.map(jnp.float32, PARAMETERS)
    values = jax.jit(losses)(given, noise)
    np.testing.assert_allclose(*values, rtol=1e-5)
    every = jax.jit(jax.vmap(jax.jacrev(losses), (None, 0)))(given, noise[:, None])
    plain, doubly = (jax.tree.map(lambda x: np.asarray(x)[:, 0], g) for g in every)
    # Those of p are the very same; those of q agree within what draws leave, and vary less.
    np.testing.assert_allclose(plain["c"], doubly["c"], atol=1e-5)
    for name in "ab":
        error = np.hypot(plain[name].std(), doubly[name].std()) / np.sqrt(len(noise))
        assert abs(plain[name].mean() - doubly[name].mean()) < 4 * error
        assert doubly[name].std() < 0.5 * plain[name].std()


def test_gradient_of_one_draw_of_dreg_is_the_path_alone():
    noise = jnp.array([[0.4]])
    given = jax.tree.map(jnp.float32, PARAMETERS)
    slope = jax.grad(lambda p: losses(p, noise)[1].sum())(given)
    z = 0.3 + 0.7 * 0.4
    # d/dz log w = c (1 - c z) - z + (z - a) / b^2
    along = 0.8 * (1 - 0.8 * z) - z + (z - 0.3) / 0.49
    np.testing.assert_allclose(slope["a"], -along, rtol=1e-5)
    np.testing.assert_allclose(slope["b"], -along * 0.4, rtol=1e-5)
