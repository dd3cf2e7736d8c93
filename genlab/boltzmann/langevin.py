"""Langevin chains: states of any energy that has a slope, in a box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from genlab.boltzmann.negative import ROLE, share_of
from genlab.game import parallel, rng
from genlab.numbers import Count, Fraction, NonNegative, Positive

Array = jax.Array
PyTree = Any
Energy = Callable[[Array], Array]  # of [N, ...], [N]


def slope(energy: Energy, x: Array) -> Array:
    """The gradient of the energy of each of `x: [N, ...]` at it: the same shape."""
    return jax.grad(lambda x: jnp.sum(energy(x)))(x)


@dataclass(frozen=True)
class Langevin:
    """Steps x' = x - a clip(grad E(x)) + s n, n ~ N(0, I), back into the box.

    With s = sqrt(2 a), and no clip, small steps leave exp(-E(x)) in the box as it is; with a smaller s the
    chains are those of a lower temperature, T = s^2 / (2 a). With `jump` a point anywhere in the box is proposed
    after each step and taken with probability min(1, exp((E(x) - E(x')) / T)): in few dimensions chains so come
    from one well to another.

    Attributes:
      steps: steps of a call.
      step_size: a.
      noise: s; None for sqrt(2 a).
      clip: the largest slope of each number of x; None for any.
      support: the lower and the upper end of every number of x.
      jump: whether to jump.

    Papers: Welling & Teh 2011, ICML; short chains: Nijkamp et al. 2019, arXiv:1904.09770
    """

    steps: Count
    step_size: Positive
    noise: NonNegative | None
    clip: Positive | None
    support: Sequence[float]
    jump: bool = False

    def __call__(self, energy: Energy, x: Array, key: Array) -> Array:
        """The states after all steps.

        Args:
          energy: of states.
          x: [N, ...], in the box.
          key: of these steps.

        Returns:
          [N, ...], without gradient.
        """
        noise = jnp.sqrt(2 * self.step_size) if self.noise is None else self.noise

        def step(x: Array, index: Array) -> tuple[Array, None]:
            down = slope(energy, x)
            if self.clip is not None:
                down = jnp.clip(down, -self.clip, self.clip)
            shake = rng.normal(rng.fold(key, index), x.shape)
            x = jnp.clip(x - self.step_size * down + noise * shake, *self.support)
            if self.jump:
                leap = rng.fold(rng.fold(key, index), "jump")
                cold = 2 * self.step_size / jnp.square(noise)
                x = self._jumped(energy, x, leap, cold)
            return x, None

        start = jax.lax.stop_gradient(x)
        moved = jax.lax.scan(step, start, jnp.arange(self.steps))[0]
        return jax.lax.stop_gradient(moved)

    def _jumped(self, energy: Energy, x: Array, key: Array, cold: Array) -> Array:
        """Proposals from all of the box, taken or not; `cold` is 1 / T."""
        there = rng.uniform(rng.fold(key, "there"), x.shape, *self.support)
        draws = rng.uniform(rng.fold(key, "taken"), x.shape[:1])
        taken = jnp.log(draws) < cold * (energy(x) - energy(there))
        return jnp.where(taken.reshape(-1, *(1,) * (x.ndim - 1)), there, x)


@dataclass(frozen=True)
class LangevinPhase:
    """Negative states by Langevin chains; those that persist lie where a Boltzmann machine's do.

    A move takes as many chains as the batch has examples, at random, sets some of them back to the start and
    puts them in their places again.

    Attributes:
      dynamics: the steps of a move.
      chains: that persist; None starts at the data in every move.
      fresh: probability of a chain that it is set back.

    Paper: Du & Mordatch 2019, arXiv:1903.08689
    """

    dynamics: Langevin
    chains: Count | None
    fresh: Fraction

    def init(self, key: Array, shape: Sequence[int]) -> PyTree:
        """What `extra` keeps: chains spread over the box."""
        if self.chains is None:
            return {}
        start = rng.fold(key, "chains")
        spread = rng.uniform(start, (self.chains, *shape), *self.dynamics.support)
        return {"chains": {ROLE: spread}}

    def __call__(
        self, energy: Energy, extra: PyTree, data: Array, key: Array
    ) -> tuple[Array, PyTree]:
        """Negative states, without gradient.

        Args:
          energy: of the model as it is.
          extra: of the state.
          data: [B, ...], the batch.
          key: of this move.

        Returns:
          States [M, ...], of B or all chains, whichever are fewer; `extra` with the chains advanced.
        """
        walk = rng.fold(key, "walk")
        if self.chains is None:
            return self.dynamics(energy, data, walk), extra
        held = extra["chains"][ROLE]
        count = min(parallel.gather_batch(data).shape[0], self.chains)
        order = jax.random.permutation(rng.fold(key, "order"), self.chains)[:count]
        start = share_of(held[order])
        coin = rng.bernoulli(rng.fold(key, "coin"), self.fresh, start.shape[:1])
        anew = rng.uniform(rng.fold(key, "anew"), start.shape, *self.dynamics.support)
        coin = coin.reshape(-1, *(1,) * (start.ndim - 1))
        moved = self.dynamics(energy, jnp.where(coin, anew, start), walk)
        held = held.at[order].set(parallel.gather_batch(moved))
        return moved, {**extra, "chains": {ROLE: held}}
