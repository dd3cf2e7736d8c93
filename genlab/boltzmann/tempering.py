"""Parallel tempering: chains at several temperatures that exchange their states.

p_beta(v, h) is proportional to q(v) exp(-beta E'(v, h)), E' the energy without the base measure, so
that real units stay normalisable at beta = 0.

Paper: Desjardins et al. 2010, AISTATS; Cho, Raiko & Ilin 2010, IJCNN
"""

import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.game import rng

Array = jax.Array


def ladder(count: int) -> Array:
    """Inverse temperatures in even steps from 0 to 1: [T] float32."""
    return jnp.linspace(0.0, 1.0, count, dtype=jnp.float32)


def tempered_sweep(
    machine: Machine, v: Array, key: Array, betas: Array
) -> tuple[Array, Array]:
    """One Gibbs sweep at each temperature, then exchanges between neighbours.

    Args:
      machine: the machine at beta = 1.
      v: [N, T, D], N chains at T temperatures.
      key: of this sweep.
      betas: [T], inverse temperatures in ascending order.

    Returns:
      The states after it, [N, T, D], and the probabilities with which neighbours exchanged, [N,
      T - 1].
    """
    scale = betas[None, :, None]
    field = scale * machine.hidden_field(v)
    h = machine.hidden.sample(field, rng.fold(key, "hidden"))
    field = scale * machine.visible_field(h)
    v = machine.visible.sample(field, rng.fold(key, "visible"))
    return exchange(v, machine.interaction(v, h), rng.fold(key, "exchange"), betas)


def exchange(
    v: Array, energies: Array, key: Array, betas: Array
) -> tuple[Array, Array]:
    """Neighbours i, j exchange states with probability min(1, exp((b_i - b_j)(E_i - E_j))).

    First the pairs that begin at even temperatures, then the others, on what these left.

    Args:
      v: [N, T, D].
      energies: [N, T], of the states, nats.
      key: of this exchange.
      betas: [T], inverse temperatures.

    Returns:
      States [N, T, D] and the probabilities of exchange, [N, T - 1].
    """
    count = betas.shape[0]
    uniform = rng.uniform(key, (v.shape[0], count - 1))
    pairs = jnp.arange(count - 1)
    seen = jnp.zeros_like(uniform)
    for parity in (0, 1):
        gaps = (betas[:-1] - betas[1:])[None] * (energies[:, :-1] - energies[:, 1:])
        probability = jnp.exp(jnp.minimum(gaps, 0.0))
        turn = (pairs % 2 == parity)[None]
        swapped = (turn & (uniform < probability)).astype(jnp.int32)
        seen = jnp.where(turn, probability, seen)
        # The lower of a pair takes the state above it, the upper the one below.
        up = jnp.pad(swapped, ((0, 0), (0, 1)))
        down = jnp.pad(swapped, ((0, 0), (1, 0)))
        source = jnp.arange(count)[None] + up - down
        energies = jnp.take_along_axis(energies, source, axis=1)
        v = jnp.take_along_axis(v, source[:, :, None], axis=1)
    return v, seen
