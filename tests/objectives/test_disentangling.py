"""What is asked of the aggregate posterior, against enumeration, closed forms and NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genlab.errors import InputError
from genlab.game import parallel, rng
from genlab.objectives.discrepancy import info_vae, mmd, squared_discrepancy
from genlab.objectives.disentangling import (
    beta_tcvae,
    dip_vae_i,
    dip_vae_ii,
    kl_in_three,
    stratified_weights,
)

GENERATOR = np.random.default_rng(0)
MEAN = GENERATOR.normal(size=(6, 3)).astype(np.float32)
LOG_VARIANCE = GENERATOR.normal(size=(6, 3)).astype(np.float32) - 1
Z = (MEAN + np.exp(LOG_VARIANCE / 2) * GENERATOR.normal(size=(6, 3))).astype(np.float32)
NATS = jnp.arange(6.0)


def _log_q(z):
    """log q(z_d|x) of every z under every posterior, [6, 6, 3], by SciPy."""
    return stats.norm.logpdf(z[:, None], MEAN[None], np.exp(LOG_VARIANCE / 2)[None])


def test_the_three_terms_are_those_of_densities_by_hand_and_sum_to_the_monte_carlo_kl():
    total, others = 50, 5
    weights = np.full((6, 6), 1 / others)
    for row in range(6):
        weights[row, row] = 1 / total
        weights[row, (row + 1) % 6] = (total - others) / (total * others)
    np.testing.assert_allclose(stratified_weights(6, total), weights, rtol=1e-6)
    densities = np.exp(_log_q(Z))
    own = np.log(densities[np.arange(6), np.arange(6)]).sum(1)
    of_all = np.log((weights * densities.prod(2)).sum(1))
    of_dimensions = np.log((weights[..., None] * densities).sum(1)).sum(1)
    of_prior = stats.norm.logpdf(Z).sum(1)
    found = kl_in_three(Z, MEAN, LOG_VARIANCE, total)
    expected = (own - of_all, of_all - of_dimensions, of_dimensions - of_prior)
    for term, values in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(term, values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sum(found.values()), own - of_prior, rtol=1e-5)
    weighed = beta_tcvae(
        *(NATS, Z, MEAN, LOG_VARIANCE), alpha=2.0, beta=3.0, gamma=5.0, dataset_size=50
    )
    np.testing.assert_array_equal(weighed["reconstruction"], NATS)
    for factor, name in zip((2.0, 3.0, 5.0), found, strict=True):
        np.testing.assert_allclose(weighed[name], factor * found[name], rtol=1e-6)


def test_stratified_weights_make_an_unbiased_density_of_all_examples():
    """Over every ordered choice of the others from ten examples, the first in the batch."""
    import itertools

    density, size = GENERATOR.random(10), 3
    batches = [(0, *rest) for rest in itertools.permutations(range(1, 10), size - 1)]
    row = np.asarray(stratified_weights(size, 10))[0]
    found = np.mean([row @ density[list(batch)] for batch in batches])
    np.testing.assert_allclose(found, density.mean(), rtol=1e-6)
    with pytest.raises(InputError, match="batch_size of 2 or more"):
        stratified_weights(1)


def test_discrepancy_is_the_mean_over_pairs_of_different_codes():
    prior = GENERATOR.normal(size=(6, 3)).astype(np.float32)
    kernels = {
        "gaussian": lambda u: np.exp(-u),
        "inverse_multiquadratic": lambda u: 1 / (1 + u),
    }
    for name, kernel in kernels.items():
        for scales in ((1.0,), (0.5, 2.0)):
            k = lambda a, b, scales=scales, kernel=kernel: sum(
                kernel(np.sum((a - b) ** 2) / (2 * 3 * s**2)) for s in scales
            )
            pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
            among = [k(one[i], one[j]) for one in (Z, prior) for i, j in pairs]
            between = [k(one, other) for one in Z for other in prior]
            expected = 2 * np.mean(among) - 2 * np.mean(between)
            found = squared_discrepancy(Z, prior, kernel=name, scales=scales)
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_discrepancy_tells_another_distribution_from_that_of_the_prior():
    key = jax.random.key(1)
    codes = rng.normal(jax.random.key(2), (512, 4))
    same, wide = mmd(codes, key, weight=1.0), mmd(2 * codes, key, weight=1.0)
    assert abs(same) < 0.005
    assert wide > 0.02
    for bad, told in (
        ({"kernel": "rbf"}, "unknown kernel 'rbf'"),
        ({"scales": ()}, "is no kernel"),
    ):
        with pytest.raises(InputError, match=told):
            mmd(codes, key, **bad)
    with pytest.raises(InputError, match="a discrepancy compares examples"):
        mmd(codes[:1], key)


def test_info_vae_is_the_elbo_at_one_end_and_has_no_kl_at_the_other():
    key = jax.random.key(0)
    elbo = info_vae(NATS, NATS, Z, key, alpha=0.0, weight=1.0)
    np.testing.assert_array_equal(elbo["kl"], NATS)
    assert elbo["discrepancy"] == 0
    free = info_vae(NATS, NATS, Z, key, alpha=1.0, weight=7.0)
    assert not free["kl"].any()
    same = mmd(Z, key, weight=7.0, kernel="gaussian")
    np.testing.assert_allclose(free["discrepancy"], same, rtol=1e-6)


def test_dip_vae_counts_the_squares_of_a_covariance_that_is_not_the_identity():
    covariance = np.cov(MEAN.T, bias=True)
    for variance, found in (
        (0, dip_vae_i(NATS, NATS, MEAN, off_diagonal=2.0, diagonal=3.0)),
        (
            np.exp(LOG_VARIANCE).mean(0),
            dip_vae_ii(NATS, NATS, MEAN, LOG_VARIANCE, off_diagonal=2.0, diagonal=3.0),
        ),
    ):
        seen = covariance + np.diag(np.zeros(3) + variance)
        apart = np.square(np.diag(seen) - 1).sum()
        others = np.square(seen - np.diag(np.diag(seen))).sum()
        np.testing.assert_allclose(
            found["covariance"], 2 * others + 3 * apart, rtol=1e-5
        )


def test_values_and_slopes_do_not_depend_on_how_many_devices_share_the_batch():
    key = jax.random.key(3)
    leaves = [np.concatenate([leaf, leaf[:2] + 1]) for leaf in (Z, MEAN, LOG_VARIANCE)]

    def total(shift, z, mean, log_variance):
        z, mean, nats = z + shift, mean * shift, jnp.sum(mean, axis=1)
        terms = {
            **beta_tcvae(nats, z, mean, log_variance, dataset_size=100),
            **dip_vae_ii(nats, nats, mean, log_variance),
            **info_vae(nats, nats, z, key),
        }
        return sum(jnp.mean(term) for term in terms.values())

    whole = jax.jit(jax.value_and_grad(total))(1.0, *leaves)

    def share(*leaves):
        with parallel.mapped():
            found = jax.value_and_grad(total)(1.0, *leaves)
            return parallel.mean_over_devices(found)

    split = [leaf.reshape(4, 2, 3) for leaf in leaves]
    apart = jax.pmap(share, axis_name=parallel.BATCH, devices=jax.devices()[:4])(*split)
    for one, other in zip(whole, apart, strict=True):
        np.testing.assert_allclose(other, np.full(4, one), rtol=2e-4)
