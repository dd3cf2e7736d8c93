"""The last layer of an encoder as the parameters of a Gaussian."""

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest

Array = jax.Array

COVARIANCES = ("diagonal", "full")


def gaussian_outputs(latent_dim: int, covariance: str) -> int:
    """Outputs that a Gaussian of so many dimensions takes.

    Raises:
      InputError: an unknown kind of covariance.
    """
    if covariance not in COVARIANCES:
        raise InputError(
            f"covariance {covariance!r} is unknown{suggest(covariance, COVARIANCES)}"
        )
    below = latent_dim * (latent_dim - 1) // 2
    return 2 * latent_dim + (below if covariance == "full" else 0)


def as_gaussian(outputs: Array, latent_dim: int) -> tuple[Array, ...]:
    """Mean and log-variance, [B, Z] each, of `outputs: [B, N]`; where there are more, the factor U of a
    full covariance U diag(exp(log_variance)) U^T: [B, Z, Z], lower triangular with ones on its diagonal.
    """
    mean = outputs[:, :latent_dim]
    log_variance = outputs[:, latent_dim : 2 * latent_dim]
    if outputs.shape[1] == 2 * latent_dim:
        return mean, log_variance
    rows, columns = jnp.tril_indices(latent_dim, -1)
    factor = jnp.broadcast_to(jnp.eye(latent_dim), (len(outputs), *2 * (latent_dim,)))
    below = outputs[:, 2 * latent_dim :] / latent_dim  # near the diagonal at first
    return mean, log_variance, factor.at[:, rows, columns].set(below)
