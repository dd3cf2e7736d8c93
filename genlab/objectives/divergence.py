"""Divergences between the distributions of codes, in closed form."""

import chex
import jax
import jax.numpy as jnp

from genlab.numbers import NonNegative
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def gaussian_kl(mean: Array, log_variance: Array) -> Array:
    """KL(N(mean, exp(log_variance)) || N(0, I)) = 1/2 sum (m^2 + e^v - 1 - v).

    Args:
      mean: [B, Z], m.
      log_variance: [B, Z] in [-80, 80], v; its exponential is a float32.

    Returns:
      [B], nats.

    Paper: Kingma & Welling 2014, arXiv:1312.6114, appendix B
    """
    chex.assert_equal_shape([mean, log_variance])
    return jnp.sum(gaussian_kl_per_dimension(mean, log_variance), axis=-1)


def gaussian_kl_per_dimension(mean: Array, log_variance: Array) -> Array:
    """The summands of `gaussian_kl`: [B, Z], nats."""
    return 0.5 * (jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance)


@objectives.register
def elbo(
    reconstruction: Array, kl: Array, *, beta: NonNegative = 1.0
) -> dict[str, Array]:
    """The negative evidence lower bound, with the KL weighted by beta.

    E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)); beta = 1 bounds -log p(x) from above.

    Args:
      reconstruction: [B], -log p(x|z) of one z from q(z|x).
      kl: [B], KL(q(z|x) || p(z)).
      beta: weight of the KL, 0 or more.

    Returns:
      The terms `reconstruction` and `kl`, [B] each, nats.

    Paper: Kingma & Welling 2014, arXiv:1312.6114; beta: Higgins et al. 2017
    """
    chex.assert_rank([reconstruction, kl], 1)
    return {"reconstruction": reconstruction, "kl": beta * kl}


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
    mean = jax.nn.logsumexp(log_weights, axis=1) - jnp.log(log_weights.shape[1])
    return {"bound": -mean}
