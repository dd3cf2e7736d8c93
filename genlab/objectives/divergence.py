"""Divergences between the distributions of codes, in closed form."""

import chex
import jax
import jax.numpy as jnp

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


def gaussian_divergence(
    mean: Array, log_variance: Array, other_mean: Array, other_log_variance: Array
) -> Array:
    """KL(N(m, e^v) || N(n, e^w)) = 1/2 sum (e^(v - w) + (m - n)^2 e^-w - 1 - v + w).

    Args:
      mean: [B, Z], m.
      log_variance: [B, Z], v.
      other_mean: [B, Z], n.
      other_log_variance: [B, Z], w.

    Returns:
      [B], nats.
    """
    gap = log_variance - other_log_variance
    apart = jnp.square(mean - other_mean) * jnp.exp(-other_log_variance)
    return 0.5 * jnp.sum(jnp.exp(gap) + apart - 1 - gap, axis=-1)


def full_gaussian_kl(mean: Array, log_variance: Array, factor: Array) -> Array:
    """KL(N(m, U diag(e^v) U^T) || N(0, I)) = 1/2 (sum_j e^v_j |U_j|^2 + |m|^2 - Z - sum_j v_j).

    Args:
      mean: [B, Z], m.
      log_variance: [B, Z], v.
      factor: [B, Z, Z], U, lower triangular with ones on its diagonal, U_j its columns.

    Returns:
      [B], nats.
    """
    columns = jnp.sum(jnp.square(factor), axis=1)
    each = columns * jnp.exp(log_variance) + jnp.square(mean) - 1 - log_variance
    return 0.5 * jnp.sum(each, axis=-1)
