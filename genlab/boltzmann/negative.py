"""The negative phase: states that stand for the model in the gradient of its likelihood."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from genlab.boltzmann import gibbs
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.tempering import ladder, tempered_sweep
from genlab.boltzmann.units import Units
from genlab.errors import InputError
from genlab.game import parallel, rng
from genlab.numbers import Count

Array = jax.Array
PyTree = Any

ROLE = "negative"  # of chains in `extra`; no network's, so that no average is taken of them


@dataclass(frozen=True)
class NegativePhase:
    """Where negative states come from.

    Attributes:
      sweeps: Gibbs sweeps before the states are used, k of CD-k.
      chains: persistent chains in the state; None starts at the data in every move (CD).
      temperatures: of parallel tempering, 0 to 1; 1 for none.

    Raises:
      InputError: a count below 1, or tempering without persistent chains.

    Paper: CD: Hinton 2002, Neural Comput. 14:1771-1800; PCD: Tieleman 2008, ICML
    """

    sweeps: Count = 1
    chains: Count | None = None
    temperatures: Count = 1

    def __post_init__(self) -> None:
        if self.temperatures > 1 and self.chains is None:
            raise InputError(
                f"experiment.temperatures={self.temperatures} is for persistent chains;"
                " give experiment.chains their number"
            )

    def init(self, key: Array, units: Units) -> PyTree:
        """What `extra` keeps: chains at random states."""
        if self.chains is None:
            return {}
        tempered = (self.temperatures,) if self.temperatures > 1 else ()
        field = jnp.zeros((self.chains, *tempered, units.size))
        return {"chains": {ROLE: units.sample(field, rng.fold(key, "chains"))}}

    def __call__(
        self, machine: Machine, extra: PyTree, data: Array, key: Array
    ) -> tuple[Array, PyTree, dict[str, Array]]:
        """Negative states, without gradient.

        Args:
          machine: the model as it is.
          extra: of the state.
          data: [B, D], visible states of the batch.
          key: of this move.

        Returns:
          States [B, D], or [chains on this device, D]; `extra` with the chains advanced; swap
          rates by name.
        """
        machine = jax.lax.stop_gradient(machine)
        if self.chains is None:
            start = jax.lax.stop_gradient(data)
            return gibbs.sweeps(machine, start, key, self.sweeps), extra, {}
        chains = share_of(extra["chains"][ROLE])
        if self.temperatures == 1:
            chains = gibbs.sweeps(machine, chains, key, self.sweeps)
            return chains, _with(extra, "chains", chains), {}
        chains, rates = self._tempered(machine, chains, key)
        extra = _with(extra, "chains", chains)
        named = {f"swap_rate_{pair}": rates[pair] for pair in range(rates.shape[0])}
        return chains[:, -1], extra, named

    def _tempered(
        self, machine: Machine, chains: Array, key: Array
    ) -> tuple[Array, Array]:
        betas = ladder(self.temperatures)

        def one(v: Array, index: Array) -> tuple[Array, Array]:
            return tempered_sweep(machine, v, rng.fold(key, index), betas)

        chains, swapped = jax.lax.scan(one, chains, jnp.arange(self.sweeps))
        return chains, parallel.mean_over_devices(jnp.mean(swapped, axis=(0, 1)))


def share_of(chains: Array) -> Array:
    """This device's chains."""
    share = parallel.local_share(chains)
    if parallel.gather_batch(share).shape != chains.shape:
        raise InputError(
            f"experiment.chains={chains.shape[0]} cannot be shared evenly by the devices; take a"
            " multiple of their number"
        )
    return share


def _with(extra: PyTree, collection: str, chains: Array) -> PyTree:
    return {**extra, collection: {ROLE: parallel.gather_batch(chains)}}
