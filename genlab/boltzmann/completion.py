"""Completing examples: unknown units given known ones, by Gibbs sampling."""

import jax
import jax.numpy as jnp

from genlab.boltzmann import gibbs
from genlab.boltzmann.machine import Machine
from genlab.game import rng

Array = jax.Array


def complete(
    machine: Machine, v: Array, known: Array, key: Array, *, count: int
) -> Array:
    """E[unknown | known], averaged over the second half of `count` sweeps from a random start.

    Averages are of p(v|h), which has less variance than the states.

    Args:
      machine: the machine.
      v: [B, D], visible states; unknown units are not looked at.
      known: [D] bool.
      key: of all draws.
      count: Gibbs sweeps, 2 or more.

    Returns:
      [B, D], known units as they are.
    """
    mask = jnp.broadcast_to(known, v.shape)
    keep = lambda states: jnp.where(mask, v, states)
    blank = machine.visible.sample(jnp.zeros_like(v), rng.fold(key, "start"))
    states = gibbs.sweeps(
        machine,
        keep(blank),
        rng.fold(key, "burn_in"),
        count - count // 2,
        keep_visible=keep,
    )

    def step(carry: tuple[Array, Array], index: Array):
        states, total = carry
        sweep_key = rng.fold(rng.fold(key, "average"), index)
        h = machine.sample_hidden(states, rng.fold(sweep_key, "hidden"))
        field = machine.visible_field(h)
        drawn = machine.visible.sample(field, rng.fold(sweep_key, "visible"))
        return (keep(drawn), total + machine.visible.mean(field)), None

    averaged = max(count // 2, 1)
    start = (states, jnp.zeros_like(v))
    (_, total), _ = jax.lax.scan(step, start, jnp.arange(averaged))
    return keep(total / averaged)
