"""General Boltzmann machines: every unit is connected with every other.

E(s) = -b.s - 1/2 s.J s, J symmetric with a zero diagonal, s in {0, 1}^N, visible units first.
"""

import flax.struct
import jax
import jax.numpy as jnp

from genlab.boltzmann.exact import LIMIT, all_states
from genlab.errors import InputError
from genlab.game import rng

Array = jax.Array


@flax.struct.dataclass
class GeneralMachine:
    """Couplings and biases of N binary units.

    Attributes:
      coupling: [N, N], J.
      bias: [N], b.
    """

    coupling: Array
    bias: Array

    def field(self, s: Array) -> Array:
        """What each unit feels from the others, b + J s of `s: [B, N]`: [B, N]."""
        return jnp.matmul(s, self.coupling) + self.bias[None]

    def energy(self, s: Array) -> Array:
        """E(s) of `s: [B, N]`: [B], nats."""
        pairs = jnp.sum(s * jnp.matmul(s, self.coupling), axis=-1)
        return -jnp.matmul(s, self.bias) - 0.5 * pairs


def sweeps(
    machine: GeneralMachine, s: Array, key: Array, count: int, *, known: int = 0
) -> Array:
    """Gibbs sweeps, one unit after another, that leave the first `known` units as they are.

    Args:
      machine: the machine.
      s: [B, N], states.
      key: of all draws.
      count: sweeps.
      known: visible units that are given.

    Returns:
      [B, N].
    """
    units = jnp.arange(known, s.shape[1])

    def unit(carry: tuple[Array, Array], index: Array):
        s, uniform = carry
        field = jnp.matmul(s, machine.coupling[:, index]) + machine.bias[index]
        on = uniform[:, index] < jax.nn.sigmoid(field)
        return (s.at[:, index].set(on.astype(s.dtype)), uniform), None

    def sweep(s: Array, index: Array) -> tuple[Array, None]:
        uniform = rng.uniform(rng.fold(key, index), s.shape)
        return jax.lax.scan(unit, (s, uniform), units)[0][0], None

    return jax.lax.scan(sweep, s, jnp.arange(count))[0]


def log_partition(machine: GeneralMachine) -> Array:
    """log Z by enumeration of all states: [], nats.

    Raises:
      InputError: more than LIMIT units.
    """
    if (count := machine.bias.shape[0]) > LIMIT:
        raise InputError(
            f"log Z of {count} connected units cannot be enumerated: the limit is {LIMIT}; of a"
            " machine without connections within its layers, 'rbm', AIS estimates it"
        )
    return jax.nn.logsumexp(-machine.energy(all_states(count)))
