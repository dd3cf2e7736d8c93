"""Pseudo-likelihood: each unit given all others, which needs no partition function."""

import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.game import rng

Array = jax.Array


def pseudo_log_likelihood(
    machine: Machine, v: Array, key: Array, *, units: int = 16
) -> Array:
    """An unbiased estimate of sum_i log p(v_i | v without i), from some random units per example.

    D times the mean of log sigma(F(v with unit i flipped) - F(v)), D Bernoulli visible units. One
    unit is drawn out of each of `units` equal shares of them, since neighbours are alike.

    Args:
      machine: one with Bernoulli visible units.
      v: [B, D] in {0, 1}; of probabilities it is an approximation.
      key: of the choice of units.
      units: how many per example.

    Returns:
      [B], nats.

    Paper: Besag 1975, The Statistician 24:179-195
    """
    count, size = v.shape
    place = (rng.uniform(key, (count, units)) + jnp.arange(units)[None]) / units
    chosen = jnp.minimum((place * size).astype(jnp.int32), size - 1)
    found = jax.lax.map(lambda unit: unit_log_probability(machine, v, unit), chosen.T)
    return size * jnp.mean(found, axis=0)


def unit_log_probability(machine: Machine, v: Array, unit: Array) -> Array:
    """log p(v_i | v without i) of unit `unit: [B]` of `v: [B, D]`: [B], nats."""
    chosen = jax.nn.one_hot(unit, v.shape[1], dtype=v.dtype)
    flipped = v + chosen * (1 - 2 * v)
    gap = machine.free_energy(flipped) - machine.free_energy(v)
    return jax.nn.log_sigmoid(gap)
