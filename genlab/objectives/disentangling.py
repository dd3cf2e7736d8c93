"""Objectives that ask more of the aggregate posterior q(z) than the KL does: independent dimensions.

They look across the whole batch, on any number of devices.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import parallel
from genlab.game.gaussian import LOG_2PI
from genlab.numbers import Count, NonNegative
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def beta_tcvae(
    reconstruction: Array,
    z: Array,
    mean: Array,
    log_variance: Array,
    *,
    alpha: NonNegative = 1.0,
    beta: NonNegative = 6.0,
    gamma: NonNegative = 1.0,
    dataset_size: Count | None = None,
) -> dict[str, Array]:
    """beta-TCVAE: the KL in three, alpha I(x; z) + beta TC(z) + gamma sum_d KL(q(z_d) || p(z_d)).

    I = log q(z|x) - log q(z), TC = log q(z) - sum_d log q(z_d), and the last is
    sum_d log q(z_d) - log p(z), each at one draw of z: unweighted they sum to the Monte-Carlo
    KL. Densities of q(z) are those of the batch by `stratified_weights`.

    Args:
      reconstruction: [B], -log p(x|z).
      z: [B, Z], a draw of q(z|x) for each example.
      mean: [B, Z], of q(z|x).
      log_variance: [B, Z] in [-40, 40], of q(z|x).
      alpha: weight of the mutual information.
      beta: weight of the total correlation.
      gamma: weight of the divergence by dimension.
      dataset_size: training examples, of which q(z) is the mean; those of the data unless it is set,
        and without data the batch itself.

    Returns:
      The terms `reconstruction`, `mutual_information`, `total_correlation` and `dimension_kl`, [B]
      each, nats.

    Raises:
      InputError: a batch of one example.

    Paper: Chen et al. 2018, arXiv:1802.04942, equation 2 and appendix C.2
    """
    parts = kl_in_three(z, mean, log_variance, dataset_size)
    weights = (alpha, beta, gamma)
    return {
        "reconstruction": reconstruction,
        **{name: w * part for w, (name, part) in zip(weights, parts.items())},
    }


beta_tcvae.needs_standard_prior = True


def kl_in_three(
    z: Array, mean: Array, log_variance: Array, dataset_size: int | None = None
) -> dict[str, Array]:
    """The three terms of `beta_tcvae` without their weights, [B] each, nats; its arguments."""
    chex.assert_equal_shape([z, mean, log_variance])
    chex.assert_rank(z, 2)
    of_prior = _log_normal(z, jnp.zeros_like(z), jnp.zeros_like(z)).sum(axis=-1)
    of_own = _log_normal(z, mean, log_variance).sum(axis=-1)
    every = [parallel.gather_batch(leaf)[None] for leaf in (mean, log_variance)]
    of_each = _log_normal(z[:, None], *every)  # [B, N, Z]: z under every posterior
    rows = parallel.example_indices(z.shape[0])
    weights = np.log(stratified_weights(of_each.shape[1], dataset_size))
    weights = jnp.asarray(weights, jnp.float32)[rows]
    of_all = jax.nn.logsumexp(of_each.sum(axis=-1) + weights, axis=1)
    of_dimensions = jax.nn.logsumexp(of_each + weights[..., None], axis=1).sum(axis=-1)
    return {
        "mutual_information": of_own - of_all,
        "total_correlation": of_all - of_dimensions,
        "dimension_kl": of_dimensions - of_prior,
    }


def stratified_weights(batch: int, dataset_size: int | None = None) -> np.ndarray:
    """What each posterior of a batch counts in q(z) at the draw of each: [batch, batch], rows sum to 1.

    A batch of M + 1 examples of N: its own posterior counts 1/N, as it does in the mean over all;
    of the M others one, here the next, (N - M) / (N M), and the rest 1/M each.

    Args:
      batch: M + 1, two or more.
      dataset_size: N; None, or fewer than the batch, for the batch.

    Raises:
      InputError: a batch of one example.

    Paper: Chen et al. 2018, arXiv:1802.04942, appendix C.2
    """
    parallel.need_several(batch, "beta_tcvae")
    total, others = max(dataset_size or batch, batch), batch - 1
    own, after = np.eye(batch), np.roll(np.eye(batch), 1, axis=1)
    odd = (total - others) / (total * others)
    return own / total + after * odd + (1 - own - after) / others


@objectives.register
def dip_vae_i(
    reconstruction: Array,
    kl: Array,
    mean: Array,
    *,
    off_diagonal: NonNegative = 10.0,
    diagonal: NonNegative = 100.0,
) -> dict[str, Array]:
    """DIP-VAE-I: the ELBO, and the covariance C of the posterior means brought to the identity.

    E_q[-log p(x|z)] + KL + o sum_{i != j} C_ij^2 + d sum_i (C_ii - 1)^2.

    Args:
      reconstruction: [B], -log p(x|z).
      kl: [B], KL(q(z|x) || p(z)).
      mean: [B, Z], of q(z|x).
      off_diagonal: o.
      diagonal: d, in the paper ten times as much.

    Returns:
      The terms `reconstruction` and `kl`, [B] nats, and `covariance`, [].

    Paper: Kumar, Sattigeri & Balakrishnan 2018, arXiv:1711.00848, equation 6
    """
    apart = _from_identity(_covariance(mean), off_diagonal, diagonal)
    return {"reconstruction": reconstruction, "kl": kl, "covariance": apart}


@objectives.register
def dip_vae_ii(
    reconstruction: Array,
    kl: Array,
    mean: Array,
    log_variance: Array,
    *,
    off_diagonal: NonNegative = 10.0,
    diagonal: NonNegative = 10.0,
) -> dict[str, Array]:
    """DIP-VAE-II: the same of the covariance of z under q(z), C + E diag(exp(log_variance)).

    Args:
      reconstruction: [B], -log p(x|z).
      kl: [B], KL(q(z|x) || p(z)).
      mean: [B, Z], of q(z|x).
      log_variance: [B, Z] in [-40, 40], of q(z|x).
      off_diagonal: o.
      diagonal: d, in the paper as much.

    Returns:
      The terms `reconstruction` and `kl`, [B] nats, and `covariance`, [].

    Paper: Kumar, Sattigeri & Balakrishnan 2018, arXiv:1711.00848, equation 7
    """
    own = jnp.mean(parallel.gather_batch(jnp.exp(log_variance)), axis=0)
    covariance = _covariance(mean) + jnp.diag(own)
    apart = _from_identity(covariance, off_diagonal, diagonal)
    return {"reconstruction": reconstruction, "kl": kl, "covariance": apart}


def _covariance(mean: Array) -> Array:
    """Of the rows of every device: [Z, Z] of `mean: [B, Z]`."""
    rows = parallel.gather_batch(mean)
    parallel.need_several(rows.shape[0], "a covariance of codes")
    centred = rows - jnp.mean(rows, axis=0, keepdims=True)
    return centred.T @ centred / rows.shape[0]


def _from_identity(covariance: Array, off_diagonal: float, diagonal: float) -> Array:
    own = np.eye(len(covariance), dtype=np.float32)
    weights = diagonal * own + off_diagonal * (1 - own)
    return jnp.sum(weights * jnp.square(covariance - own))


def _log_normal(z: Array, mean: Array, log_variance: Array) -> Array:
    """log N(z; mean, exp(log_variance)) of every number, nats."""
    gap = jnp.square(z - mean) * jnp.exp(-log_variance)
    return -0.5 * (gap + log_variance + LOG_2PI)
