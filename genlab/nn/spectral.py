"""Weights divided by their largest singular value."""

import jax
import jax.numpy as jnp

Array = jax.Array


def power_step(kernel: Array, vector: Array) -> tuple[Array, Array]:
    """The largest singular value of a kernel, from one power step, and the vector to go on from.

    W is the kernel as a matrix, all its axes but the last together. v = W u / ||W u||,
    u' = W^T v / ||W^T v||, sigma = v^T W u'. No gradient flows into u' and v, so that the gradient of
    sigma in W is v u'^T.

    Args:
      kernel: [..., F].
      vector: u, [F], of any length but 0; the better, the more steps on this kernel were made.

    Returns:
      sigma, [], and u', [F], of length 1.

    Paper: Miyato et al. 2018, arXiv:1802.05957
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    fixed = jax.lax.stop_gradient(matrix)
    left = _unit(fixed @ vector)
    right = _unit(fixed.T @ left)
    return left @ (matrix @ right), right


def _unit(vector: Array) -> Array:
    return vector / (jnp.sqrt(jnp.sum(jnp.square(vector))) + 1e-12)
