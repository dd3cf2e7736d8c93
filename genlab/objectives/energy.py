"""Objectives of models that are known up to their partition function."""

import chex
import jax

from genlab.registry import objectives

Array = jax.Array


@objectives.register
def energy_difference(data: Array, model: Array) -> dict[str, Array]:
    """Energies of data pulled down, energies of the model's own states pushed up, E+ - E-.

    With free energies and states drawn from the model its gradient is that of -log p(v); with states
    after k Gibbs sweeps from the data it is contrastive divergence.

    Args:
      data: [B], (free) energies of examples.
      model: [M], (free) energies of states that stand for the model, taken as constants.

    Returns:
      The terms `data`, [B], and `model`, -E-: [M], nats.

    Paper: Hinton 2002, Neural Comput. 14:1771-1800
    """
    chex.assert_rank([data, model], 1)
    return {"data": data, "model": -model}
