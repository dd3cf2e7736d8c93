"""Score matching of Gaussians, and contrastive divergence by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.objectives.energy import contrastive_divergence
from genlab.objectives.score import denoising_score_matching, sliced_score_matching

KEY = jax.random.key(0)
MEAN = jnp.array([[0.5, -1.0]])
COVARIANCE = jnp.array([[0.5, 0.2], [0.2, 0.3]])


def gaussian(precision):
    """E(x) = 1/2 (x - MEAN)^T P (x - MEAN)."""
    return lambda x: 0.5 * jnp.einsum("bi,ij,bj->b", x - MEAN, precision, x - MEAN)


def draws(num):
    return jax.random.multivariate_normal(KEY, MEAN[0], COVARIANCE, (num,))


def test_sliced_is_explicit_score_matching():
    """-tr P + 1/2 |P (x - MEAN)|^2: of a diagonal P whatever the signs, of others in the mean."""
    x = draws(5)
    diagonal = jnp.diag(jnp.array([2.0, 3.0]))
    found = sliced_score_matching(gaussian(diagonal), x, KEY)
    np.testing.assert_allclose(found["curvature"], -5.0, rtol=1e-5)
    squares = 0.5 * np.square(np.asarray((x - MEAN) @ diagonal)).sum(1)
    np.testing.assert_allclose(found["score"], squares, rtol=1e-5)
    precision = jnp.array([[2.0, 1.5], [1.5, 3.0]])
    many = jnp.tile(x[:1], (4000, 1))
    found = sliced_score_matching(gaussian(precision), many, KEY)["curvature"]
    assert set(np.round(np.unique(found), 3)) == {-8.0, -2.0}
    np.testing.assert_allclose(found.mean(), -5.0, atol=0.15)


def test_sliced_is_least_for_the_score_of_the_data():
    x = draws(20_000)
    loss = lambda precision: sum(
        jnp.mean(term)
        for term in sliced_score_matching(gaussian(precision), x, KEY).values()
    )
    at_truth = jax.grad(loss)(jnp.linalg.inv(COVARIANCE))
    elsewhere = jax.grad(loss)(jnp.eye(2))
    assert jnp.abs(at_truth).max() < 0.06
    assert jnp.abs(elsewhere).max() > 0.4


def test_denoising_is_least_for_the_score_of_smoothed_data():
    """There it is half of tr C (C + std^2)^-1, what noise tells of nothing."""
    std, x = 0.7, draws(20_000)
    loss = lambda precision: jnp.mean(
        denoising_score_matching(gaussian(precision), x, KEY, std=std)
    )
    smooth = COVARIANCE + std**2 * jnp.eye(2)
    value, at_truth = jax.value_and_grad(loss)(jnp.linalg.inv(smooth))
    expected = 0.5 * np.trace(np.asarray(COVARIANCE) @ np.linalg.inv(smooth))
    np.testing.assert_allclose(value, expected, rtol=0.02)
    of_data = jax.grad(loss)(jnp.linalg.inv(COVARIANCE))
    assert jnp.abs(at_truth).max() < 0.02
    assert jnp.abs(of_data).max() > 0.1


def test_contrastive_divergence_by_hand():
    data, model = jnp.array([1.0, 3.0]), jnp.array([2.0, -4.0, 0.5])
    found = contrastive_divergence(data, model, alpha=0.1)
    np.testing.assert_array_equal(found["data"], data)
    np.testing.assert_array_equal(found["model"], -model)
    np.testing.assert_allclose(found["magnitude"], 0.1 * (5.0 + 20.25 / 3), rtol=1e-6)
