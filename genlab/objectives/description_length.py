"""What an example costs to tell under a model of it."""

import chex
import jax

from genlab.registry import objectives

Array = jax.Array


@objectives.register
def description_length(cost: Array) -> dict[str, Array]:
    """What a density says that an example costs: -log p(x), a bound on it, or -log p(x, z) at one z.

    Args:
      cost: [B].

    Returns:
      The term `cost`, [B] nats.

    Paper: Rissanen 1978, Automatica 14:465-471
    """
    chex.assert_rank(cost, 1)
    return {"cost": cost}
