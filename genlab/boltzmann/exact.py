"""Partition functions by enumeration, for machines with few units on one side."""

import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Bernoulli
from genlab.errors import InputError

Array = jax.Array

LIMIT = 20  # units of which all states are visited
CHUNK_BITS = 12


def all_states(count: int) -> Array:
    """Every state of `count` units in {0, 1}: [2**count, count] float32."""
    return _states(jnp.arange(2**count, dtype=jnp.int32), count)


def log_partition(machine: Machine) -> Array:
    """log Z = log sum over (v, h) of exp(-E(v, h)): [], nats.

    The states of one side are visited, the other is summed in closed form.

    Raises:
      InputError: neither the hidden units nor Bernoulli visible ones are LIMIT or fewer.
    """
    hidden, visible = machine.hidden.size, machine.visible.size
    smaller_visible = isinstance(machine.visible, Bernoulli) and visible < hidden
    count = visible if smaller_visible else hidden
    if count > LIMIT:
        raise InputError(
            f"log Z of {visible} visible and {hidden} hidden units cannot be enumerated: the"
            f" limit is {LIMIT} units on one side; metric 'log_likelihood' estimates it by AIS"
        )
    free_energy = (
        machine.free_energy if smaller_visible else machine.free_energy_of_hidden
    )
    bits = min(count, CHUNK_BITS)
    offsets = jnp.arange(2**bits, dtype=jnp.int32)

    def chunk(first: Array) -> Array:
        return jax.nn.logsumexp(-free_energy(_states(first + offsets, count)))

    firsts = jnp.arange(2 ** (count - bits), dtype=jnp.int32) * 2**bits
    return jax.nn.logsumexp(jax.lax.map(chunk, firsts))


def _states(numbers: Array, count: int) -> Array:
    bits = numbers[:, None] >> jnp.arange(count, dtype=jnp.int32)[None]
    return (bits & 1).astype(jnp.float32)
