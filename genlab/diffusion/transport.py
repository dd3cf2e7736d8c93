"""Noise for examples by optimal transport within a batch."""

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.precision import exact_products

Array = jax.Array


def check(optimal_transport: bool, takes_label: bool) -> None:
    """Raises InputError for a network that takes a label: noise that is paired with examples is another for each
    class, and samples of a class are drawn from the same."""
    if optimal_transport and takes_label:
        raise InputError(
            "experiment.optimal_transport=True is of a network without labels, since the noise of a class would"
            " not be normal any more; leave it out"
        )


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
