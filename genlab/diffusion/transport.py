"""Noise for examples by optimal transport within a batch."""

import jax
import jax.numpy as jnp
import optax

from genlab.game import parallel
from genlab.game.precision import exact_products

Array = jax.Array


@exact_products
def paired(x: Array, noise: Array) -> Array:
    """The noise of the batch in the order that makes the sum of squared distances from `x` least.

    The assignment is exact and over the global batch: O(B^3).

    Args:
      x: [B, ...].
      noise: [B, ...].

    Returns:
      [B, ...], a permutation of the noise of all devices.

    Paper: Tong et al. 2024, arXiv:2302.00482; Pooladian et al. 2023, arXiv:2304.14772
    """
    every, drawn = parallel.gather_batch(x), parallel.gather_batch(noise)
    rows, columns = (leaf.reshape(leaf.shape[0], -1) for leaf in (every, drawn))
    squares = [jnp.sum(jnp.square(leaf), axis=1) for leaf in (rows, columns)]
    costs = squares[0][:, None] + squares[1][None] - 2 * rows @ columns.T
    of_row, of_column = optax.assignment.hungarian_algorithm(
        jax.lax.stop_gradient(costs)
    )
    order = jnp.zeros_like(of_row).at[of_row].set(of_column)
    return parallel.local_share(drawn[order])
