"""Objectives of models that are known up to their partition function."""

import chex
import jax
import jax.numpy as jnp

from genlab.numbers import NonNegative
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


@objectives.register
def contrastive_divergence(
    data: Array, model: Array, *, alpha: NonNegative = 0.1
) -> dict[str, Array]:
    """`energy_difference`, and alpha (mean E+^2 + mean E-^2), which keeps the energies of a network near 0.

    Args:
      data: [B], energies of examples.
      model: [M], energies of states that stand for the model, taken as constants.
      alpha: the weight of the squares.

    Returns:
      The terms `data`, [B], `model`, -E-: [M], and `magnitude`, []; nats.

    Paper: Du & Mordatch 2019, arXiv:1903.08689
    """
    squares = sum(jnp.mean(jnp.square(energy)) for energy in (data, model))
    return {**energy_difference(data, model), "magnitude": alpha * squares}
