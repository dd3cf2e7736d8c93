"""Gibbs sampling of a restricted Boltzmann machine, a layer at a time."""

from collections.abc import Callable

import jax

from genlab.boltzmann.machine import Machine
from genlab.game import rng

Array = jax.Array
Keep = Callable[[Array], Array]


def sweep(
    machine: Machine,
    v: Array,
    key: Array,
    *,
    keep_visible: Keep = lambda v: v,
) -> Array:
    """h ~ p(h|v), then v' ~ p(v|h); leaves p(v), and p(v) T(v'|v) is symmetric.

    Args:
      machine: the machine.
      v: [N, ..., D].
      key: of this sweep.
      keep_visible: puts known visible units back in their places.

    Returns:
      [N, ..., D].
    """
    h = machine.sample_hidden(v, rng.fold(key, "hidden"))
    return keep_visible(machine.sample_visible(h, rng.fold(key, "visible")))


def sweeps(machine: Machine, v: Array, key: Array, count: int, **how) -> Array:
    """`count` sweeps one after another; `how` is what `sweep` takes: [N, ..., D]."""

    def one(v: Array, index: Array) -> tuple[Array, None]:
        return sweep(machine, v, rng.fold(key, index), **how), None

    return jax.lax.scan(one, v, jax.numpy.arange(count))[0]
