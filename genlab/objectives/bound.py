"""Bounds on log p(x), as what a variational autoencoder minimises: their negatives, in nats.

log w = log p(x, z) - log q(z|x) of K draws from q(z|x) for each example. A family offers the same
numbers three times: `log_weights`, whose gradient reaches all parameters; `generative_log_weights`, which
hold z and q fixed, so that the parameters of p alone are reached; and `path_log_weights`, which hold
the parameters of p and those in the density of q fixed, so that those of q are reached through z alone.
"""

import chex
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel
from genlab.numbers import Count, Fraction, NonNegative
from genlab.registry import objectives

Array = jax.Array

NATS = 0.6931471805599453  # of a bit


@objectives.register
def elbo(
    reconstruction: Array, kl: Array, *, beta: NonNegative = 1.0
) -> dict[str, Array]:
    """The negative evidence lower bound, with the KL weighted by beta.

    E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)); beta = 1 bounds -log p(x) from above.

    Args:
      reconstruction: [B], -log p(x|z) of one z from q(z|x).
      kl: [B], KL(q(z|x) || p(z)).
      beta: weight of the KL, 0 or more; with a schedule, `warmup`, the KL comes in step by step.

    Returns:
      The terms `reconstruction` and `kl`, [B] each, nats.

    Paper: Kingma & Welling 2014, arXiv:1312.6114; beta: Higgins et al. 2017; warm-up: Bowman et al.
      2016, arXiv:1511.06349
    """
    chex.assert_rank([reconstruction, kl], 1)
    return {"reconstruction": reconstruction, "kl": beta * kl}


@objectives.register
def capacity(
    reconstruction: Array,
    kl: Array,
    *,
    gamma: NonNegative = 100.0,
    nats: NonNegative = 25.0,
) -> dict[str, Array]:
    """The KL of each example held at a capacity, E_q[-log p(x|z)] + gamma |KL - C|.

    Args:
      reconstruction: [B], -log p(x|z).
      kl: [B], KL(q(z|x) || p(z)).
      gamma: weight of the distance, 0 or more.
      nats: C, 0 or more; with the schedule `warmup` it grows from 0.

    Returns:
      The terms `reconstruction` and `capacity`, [B] each, nats.

    Paper: Burgess et al. 2018, arXiv:1804.03599
    """
    chex.assert_rank([reconstruction, kl], 1)
    return {"reconstruction": reconstruction, "capacity": gamma * jnp.abs(kl - nats)}


@objectives.register
def free_bits(
    reconstruction: Array,
    kl: Array,
    *,
    bits: NonNegative = 1.0,
    beta: NonNegative = 1.0,
) -> dict[str, Array]:
    """The negative ELBO in which the first bits of the whole KL of an example cost nothing.

    E_q[-log p(x|z)] + beta max(KL - bits ln 2, 0): what is free is of the sum over dimensions.

    Args:
      reconstruction: [B], -log p(x|z).
      kl: [B], KL(q(z|x) || p(z)), nats.
      bits: that are free, 0 or more, in bits.
      beta: weight of the rest, 0 or more.

    Returns:
      The terms `reconstruction` and `kl`, [B] each, nats.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 3.1
    """
    chex.assert_rank([reconstruction, kl], 1)
    paid = jnp.maximum(kl - bits * NATS, 0)
    return {"reconstruction": reconstruction, "kl": beta * paid}


@objectives.register
def free_bits_per_dimension(
    reconstruction: Array,
    kl_per_dimension: Array,
    *,
    bits: NonNegative = 0.25,
    beta: NonNegative = 1.0,
) -> dict[str, Array]:
    """The negative ELBO in which the first bits of each dimension, on average, cost nothing.

    E_q[-log p(x|z)] + beta sum_j max(mean KL_j - bits ln 2, 0), the mean over the whole batch. The paper
    has max(mean KL_j, lambda), which is more by a constant; lambda = bits ln 2.

    Args:
      reconstruction: [B], -log p(x|z).
      kl_per_dimension: [B, Z], KL(q(z_j|x) || p(z_j)), nats.
      bits: that are free of each dimension, 0 or more, in bits.
      beta: weight of the rest, 0 or more.

    Returns:
      The terms `reconstruction`, [B], and `kl`, [], nats.

    Paper: Kingma et al. 2016, arXiv:1606.04934, appendix C.8
    """
    chex.assert_rank([reconstruction, kl_per_dimension], [1, 2])
    mean = parallel.mean_over_devices(jnp.mean(kl_per_dimension, axis=0))
    paid = jnp.maximum(mean - bits * NATS, 0)
    return {"reconstruction": reconstruction, "kl": beta * jnp.sum(paid)}


@objectives.register
def iwae(log_weights: Array) -> dict[str, Array]:
    """The importance weighted bound, -log 1/K sum_k w_k, w = p(x|z) p(z) / q(z|x).

    Of one draw it is the negative ELBO with a sampled KL; it falls towards -log p(x) with K, the
    knob `samples` of 'vae'.

    Args:
      log_weights: [B, K], log w of K draws from q(z|x).

    Returns:
      The term `bound`, [B] nats.

    Paper: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519
    """
    chex.assert_rank(log_weights, 2)
    return {"bound": -log_mean_exp(log_weights)}


@objectives.register
def miwae(log_weights: Array, *, groups: Count = 5) -> dict[str, Array]:
    """M averages of the importance weighted bound of K / M draws each, K the family's `samples`.

    Args:
      log_weights: [B, K], log w of K draws from q(z|x).
      groups: M, which divides K: 1 is `iwae`, K the negative ELBO with a sampled KL.

    Returns:
      The term `bound`, [B] nats.

    Raises:
      InputError: a number of groups that does not divide K.

    Paper: Rainforth et al. 2018, arXiv:1802.04537
    """
    chex.assert_rank(log_weights, 2)
    return {"bound": -jnp.mean(log_mean_exp(_in_groups(log_weights, groups)), axis=1)}


@objectives.register
def ciwae(log_weights: Array, *, beta: Fraction = 0.5) -> dict[str, Array]:
    """beta times the negative ELBO with a sampled KL plus (1 - beta) times the importance weighted bound.

    Args:
      log_weights: [B, K], log w of K draws from q(z|x).
      beta: in [0, 1]; 0 is `iwae`.

    Returns:
      The term `bound`, [B] nats.

    Paper: Rainforth et al. 2018, arXiv:1802.04537
    """
    chex.assert_rank(log_weights, 2)
    loose, tight = jnp.mean(log_weights, axis=1), log_mean_exp(log_weights)
    return {"bound": -(beta * loose + (1 - beta) * tight)}


@objectives.register
def piwae(log_weights: Array, *, groups: Count = 5) -> dict[str, dict[str, Array]]:
    """The tight bound for the decoder and a looser one, whose gradient is less noisy, for the encoder.

    Args:
      log_weights: [B, K], log w of K draws from q(z|x).
      groups: M of the encoder's `miwae`, which divides K.

    Returns:
      The term `bound` of each player, `encoder` and `decoder`, [B] nats.

    Raises:
      InputError: a number of groups that does not divide K.

    Paper: Rainforth et al. 2018, arXiv:1802.04537
    """
    return {
        "encoder": miwae(log_weights, groups=groups),
        "decoder": iwae(log_weights),
    }


@objectives.register
def dreg(generative_log_weights: Array, path_log_weights: Array) -> dict[str, Array]:
    """The importance weighted bound with the doubly reparameterised gradient.

    With v_k = w_k / sum_j w_j the parameters of p get sum_k v_k d log w_k, as of `iwae`, and those of q
    sum_k v_k^2 (d log w_k / dz_k) (dz_k / d phi): the same in expectation, and less noisy the larger
    K is.

    Args:
      generative_log_weights: [B, K], log w of K draws from q(z|x); the gradient reaches p alone.
      path_log_weights: [B, K], the same numbers; the gradient reaches q through z alone.

    Returns:
      The term `bound`, [B] nats, that of `iwae`.

    Paper: Tucker et al. 2019, arXiv:1810.04152, equation 8
    """
    chex.assert_rank([generative_log_weights, path_log_weights], 2)
    shares = jax.lax.stop_gradient(jax.nn.softmax(generative_log_weights, axis=1))
    moved = shares * generative_log_weights + jnp.square(shares) * path_log_weights
    moved = jnp.sum(moved, axis=1)
    bound = log_mean_exp(generative_log_weights)
    # The value of the bound with the gradient of what moves.
    return {"bound": -(moved + jax.lax.stop_gradient(bound - moved))}


def log_mean_exp(values: Array) -> Array:
    """log 1/K sum_k exp of `values: [..., K]`: [...]."""
    return jax.nn.logsumexp(values, axis=-1) - jnp.log(values.shape[-1])


def _in_groups(log_weights: Array, groups: int) -> Array:
    """[B, M, K / M] of `log_weights: [B, K]`."""
    count = log_weights.shape[1]
    if count % groups:
        raise InputError(
            f"groups={groups} do not share experiment.samples={count} draws evenly; take a number"
            f" that divides {count}"
        )
    return log_weights.reshape(-1, groups, count // groups)
