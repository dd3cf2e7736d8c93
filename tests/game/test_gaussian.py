"""Gaussians of codes and their mixtures against scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from genlab.game.gaussian import Gaussian, Mixture, product
from genlab.objectives.divergence import full_gaussian_kl

MEAN = np.array([[0.3, -1.0, 0.5], [0.0, 2.0, -0.4]], np.float32)
LOG_VARIANCE = np.array([[0.2, -0.5, 0.0], [-1.0, 0.3, 0.6]], np.float32)
FACTOR = np.array(
    [[[1, 0, 0], [0.5, 1, 0], [-0.3, 0.2, 1]], [[1, 0, 0], [-1, 1, 0], [0.4, 0.7, 1]]],
    np.float32,
)


def covariances(factor):
    lower = np.eye(3)[None].repeat(2, 0) if factor is None else factor
    return lower @ (np.exp(LOG_VARIANCE)[:, :, None] * lower.transpose(0, 2, 1))


@pytest.mark.parametrize("factor", [None, FACTOR])
def test_density_draws_and_marginals(factor):
    q, truth = Gaussian(MEAN, LOG_VARIANCE, factor), covariances(factor)
    z, log_q = q.draw(jax.random.key(0), 4000)
    assert z.shape == (8000, 3)
    for row in range(2):
        own = np.asarray(z[4000 * row : 4000 * (row + 1)])
        normal = stats.multivariate_normal(MEAN[row], truth[row])
        expected = normal.logpdf(own)
        np.testing.assert_allclose(
            log_q[4000 * row : 4000 * (row + 1)], expected, atol=1e-4
        )
        np.testing.assert_allclose(own.mean(axis=0), MEAN[row], atol=0.08)
        np.testing.assert_allclose(np.cov(own.T), truth[row], atol=0.15)
        np.testing.assert_allclose(
            q.each_log_prob(own[:5])[:, row], expected[:5], atol=1e-4
        )
    diagonal = np.diagonal(truth, axis1=1, axis2=2)
    np.testing.assert_allclose(np.exp(q.marginal_log_variance()), diagonal, rtol=1e-5)
    both = Gaussian(
        *(
            leaf if leaf is None else leaf[:, ...]
            for leaf in (MEAN, LOG_VARIANCE, factor)
        )
    )
    np.testing.assert_allclose(both.log_prob(z[::4000]), log_q[::4000], atol=1e-4)


def test_divergence_of_a_full_covariance_by_the_formula_of_matrices():
    truth = covariances(FACTOR)
    expected = [
        0.5 * (np.trace(c) + m @ m - 3 - np.linalg.slogdet(c)[1])
        for m, c in zip(MEAN, truth, strict=True)
    ]
    found = full_gaussian_kl(MEAN, LOG_VARIANCE, FACTOR)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_mixture_density_and_draws():
    weights = np.array([0.3, 0.7])
    mixture = Mixture(
        jnp.log(weights).astype(jnp.float32), Gaussian(MEAN, LOG_VARIANCE, FACTOR)
    )
    z = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    parts = [
        stats.multivariate_normal(m, c).logpdf(z)
        for m, c in zip(MEAN, covariances(FACTOR), strict=True)
    ]
    expected = special.logsumexp(np.stack(parts), axis=0, b=weights[:, None])
    np.testing.assert_allclose(mixture.log_prob(z), expected, rtol=1e-4)
    drawn = mixture.draw(jax.random.key(0), 4000)
    np.testing.assert_allclose(drawn.mean(axis=0), weights @ MEAN, atol=0.1)


def test_product_of_densities_is_their_gaussian():
    one = Gaussian(MEAN[:1, :1], LOG_VARIANCE[:1, :1])
    other = Gaussian(MEAN[1:, :1] + 1, LOG_VARIANCE[1:, :1])
    both = product(one, other)
    z = jnp.linspace(-2, 2, 9)[:, None]
    gaps = [
        stats.norm.logpdf(z, g.mean, np.exp(0.5 * g.log_variance))[:, 0]
        for g in (one, other, both)
    ]
    constant = gaps[0] + gaps[1] - gaps[2]
    np.testing.assert_allclose(constant, constant[0], atol=1e-5)
    # No precision overflows.
    sharp = product(Gaussian(one.mean, one.log_variance - 200), other)
    np.testing.assert_allclose(sharp.mean, one.mean)
