"""Labels among the visible units: their posterior, and what is left when they are summed out."""

import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Labelled

Array = jax.Array


def label_log_probabilities(machine: Machine, v: Array) -> Array:
    """log p(label | the other visible units), exact: [B, labels], nats.

    Args:
      machine: one with Labelled visible units.
      v: [B, D]; what it has for labels is not looked at.
    """
    units = machine.visible
    free = v[:, : units.bernoulli]
    field = machine.hidden_field(jnp.pad(free, ((0, 0), (0, units.labels))))

    def one(label: Array) -> Array:
        moved = field + machine.kernel[units.bernoulli + label][None]
        bias = machine.visible_bias[units.bernoulli + label]
        return bias + machine.hidden.log_normalizer(moved)

    scores = jax.lax.map(one, jnp.arange(units.labels)).T
    return jax.nn.log_softmax(scores, axis=-1)


def log_marginal(machine: Machine, states: Array) -> Array:
    """log sum over hidden units and labels of exp(-E), log Z above log p(states): [B], nats.

    Args:
      machine: of any kind; where it has labels they are summed out.
      states: [B, D] of the other visible units.
    """
    if not isinstance(machine.visible, Labelled):
        return -machine.free_energy(states)
    labels = machine.visible.labels

    def one(label: Array) -> Array:
        one_hot = jax.nn.one_hot(label, labels)
        rows = jnp.broadcast_to(one_hot, (states.shape[0], labels))
        return -machine.free_energy(jnp.concatenate([states, rows], axis=1))

    return jax.nn.logsumexp(jax.lax.map(one, jnp.arange(labels)), axis=0)
