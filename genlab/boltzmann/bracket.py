"""log Z from both ends: annealing forward, and in reverse from every start that is at hand.

Forward annealing and chains that start at the data can miss the same mode, and then agree on a log Z
that is too small by all that it holds. So reverse runs start from four kinds of states: the data,
the chains of training, chains tempered down from uniform noise, and the ends of the forward runs.
What none of them reaches stays unseen: agreement is evidence, and no proof.

Paper: Burda, Grosse & Salakhutdinov 2015, arXiv:1412.8566; Grosse, Ancha & Roy 2016,
  arXiv:1606.02275
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from genlab.boltzmann import ais, gibbs
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.tempering import ladder, tempered_sweep
from genlab.game import rng

Array = jax.Array

FEWEST_EFFECTIVE = 10.0  # forward runs, below which their mean is that of a few


@dataclass(frozen=True)
class Bracket:
    """log Z by forward annealing, between what all directions say; nats.

    Attributes:
      forward: the estimate.
      reverse: the estimate from each start, by its name.
    """

    forward: ais.Estimate
    reverse: dict[str, ais.Estimate]

    @property
    def low(self) -> float:
        """The forward interval's end, or the smallest reverse estimate."""
        return min(self.forward.low, *(e.log_z for e in self.reverse.values()))

    @property
    def high(self) -> float:
        """The forward interval's end, or the largest reverse estimate."""
        return max(self.forward.high, *(e.log_z for e in self.reverse.values()))

    def consistent(self, tolerance: float) -> bool:
        """Whether every reverse estimate is within `tolerance` nats of the forward one, and that is
        of FEWEST_EFFECTIVE runs or more."""
        gaps = [abs(e.log_z - self.forward.log_z) for e in self.reverse.values()]
        enough = self.forward.effective >= FEWEST_EFFECTIVE
        near = all(gap <= tolerance for gap in gaps)  # which NaN is not
        return enough and math.isfinite(self.forward.low) and near


def log_weights(
    machine: Machine,
    key: Array,
    betas: Array,
    base: Array,
    starts: Mapping[str, Array],
    *,
    runs: int,
    burn_in: int,
    temperatures: int,
) -> tuple[Array, dict[str, Array]]:
    """Forward weights, and reverse ones from given states, tempered ones and the forward ends.

    Args:
      machine: the machine.
      key: of all draws.
      betas: [T], from 0 to 1.
      base: [D], biases of the base rate.
      starts: name -> [runs, D], states that reverse runs start from.
      runs: forward, and in reverse from each start.
      burn_in: Gibbs sweeps from a start to where annealing begins, and of the tempered chains.
      temperatures: of the tempered chains, 2 or more.

    Returns:
      [runs], as `ais.forward` has them, and name -> [runs], as `ais.reverse` has them, with `tempered`
      and `forward` beside the given names.
    """
    forward, ends = ais.forward(machine, rng.fold(key, "forward"), betas, base, runs)
    chains = _tempered(machine, rng.fold(key, "tempered"), runs, burn_in, temperatures)
    starts = {**starts, "tempered": chains, "forward": ends}
    # All in one call: one product of many rows is faster than several of few.
    states = jnp.concatenate(list(starts.values()))
    burn_key = rng.fold(key, "burn_in")
    states = gibbs.sweeps(machine, states, burn_key, burn_in)
    reverse = ais.reverse(machine, rng.fold(key, "reverse"), betas, base, states)
    return forward, dict(zip(starts, jnp.split(reverse, len(starts)), strict=True))


def summarize(forward: np.ndarray, reverse: Mapping[str, np.ndarray]) -> Bracket:
    """The bracket of the weights that `log_weights` returns."""
    found = {name: ais.summarize_reverse(found) for name, found in reverse.items()}
    return Bracket(ais.summarize(forward), found)


def _tempered(
    machine: Machine, key: Array, count: int, sweeps: int, temperatures: int
) -> Array:
    """Coldest states of tempered chains that begin at uniform noise: [count, D]."""
    betas = ladder(temperatures)
    field = jnp.zeros((count, temperatures, machine.visible.size))
    v = machine.visible.sample(field, rng.fold(key, "start"))

    def one(v: Array, index: Array) -> tuple[Array, None]:
        return tempered_sweep(machine, v, rng.fold(key, index), betas)[0], None

    return jax.lax.scan(one, v, jnp.arange(sweeps))[0][:, -1]
