"""What a network has of each class, looked up."""

import jax
import jax.numpy as jnp

Array = jax.Array


def looked_up(table: Array, label: Array) -> Array:
    """Rows of `table: [K, ...]` for `label: [B]` int in [0, K), or their means by weights of all classes.

    Args:
      table: what there is for each class.
      label: [B] int, or [B, K] weights.

    Returns:
      [B, ...].
    """
    return jnp.tensordot(label, table, 1) if label.ndim == 2 else table[label]
