"""General Boltzmann machines, small ones."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.boltzmann import general
from genlab.boltzmann.negative import ROLE, share_of
from genlab.boltzmann.units import check_binary
from genlab.game import parallel, rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count
from genlab.registry import experiments

PLAYER = "boltzmann"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Boltzmann(Experiment):
    """Connections between any two units, learned by Gibbs sampling in both phases.

    The loss is mean E(v, h) - mean E(s): h drawn with the example in its place, s of persistent
    chains. Sweeps visit one unit after another, which is slow beyond some hundred units.

    Attributes:
      positive_sweeps: of the hidden units given an example.
      sweeps: of the chains in a move.
      chains: persistent chains.
      sample_sweeps: Gibbs sweeps behind a sample, from random units.

    Paper: Ackley, Hinton & Sejnowski 1985, Cogn. Sci. 9:147-169
    """

    ROLES: ClassVar = ("machine",)
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sample_sweeps",)
    OFFERS: ClassVar = {"objective": ("data", "model")}

    positive_sweeps: Count = 5
    sweeps: Count = 5
    chains: Count = 100
    sample_sweeps: Count = 200

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] are no states of binary units."""
        check_binary(low, high)

    def _module(self):
        return self.networks["machine"].module

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        networks = [(self.networks["machine"], (batch["x"],))]
        params, extra = initialize(key, {PLAYER: networks})
        shape = (self.chains, self._module().visible + self._module().hidden)
        coins = rng.bernoulli(rng.fold(key, "chains"), 0.5, shape)
        return params, {**extra, "chains": {ROLE: coins.astype(jnp.float32)}}

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        machine = self.machine(params, extra)
        fixed = jax.lax.stop_gradient(machine)
        data = self._completed(fixed, draw.batch["x"], draw.key("positive"))
        chains = general.sweeps(
            fixed, share_of(extra["chains"][ROLE]), draw.key("negative"), self.sweeps
        )
        energies = {"data": machine.energy(data), "model": machine.energy(chains)}
        terms = self.objective_terms(draw, **energies)
        kept = {"chains": {ROLE: parallel.gather_batch(chains)}}
        return Loss(terms, {**extra, **kept})

    def machine(self, params: PyTree, extra: PyTree) -> general.GeneralMachine:
        """The machine as it is."""
        del extra
        return self._module().machine(params[PLAYER]["machine"])

    def _completed(
        self, machine: general.GeneralMachine, x: Array, key: Array
    ) -> Array:
        """States with the example in its place and drawn hidden units: [B, N]."""
        module = self._module()
        v = x.reshape(x.shape[0], -1)
        if not module.hidden:
            return v
        shape = (v.shape[0], module.hidden)
        start = rng.bernoulli(rng.fold(key, "start"), 0.5, shape).astype(v.dtype)
        s = jnp.concatenate([v, start], axis=1)
        return general.sweeps(
            machine, s, key, self.positive_sweeps, known=module.visible
        )

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: half the squared error of each pixel's mean given all
        other units, and of a fully visible machine the log pseudo-likelihood (nats)."""
        machine, x = self.machine(params, extra), draw.batch["x"]
        states = self._completed(machine, x, draw.key("positive"))
        count = self._module().visible
        field, v = machine.field(states)[:, :count], states[:, :count]
        gap = jax.nn.sigmoid(field) - v
        values = {"squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=-1)}
        if not self._module().hidden:
            right = jax.nn.log_sigmoid((2 * v - 1) * field)
            values["pseudo_log_likelihood"] = jnp.sum(right, axis=-1)
        return values

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Examples after Gibbs sweeps from random units: [num, *example_shape]."""
        machine = self.machine(params, extra)
        shape = (num, machine.bias.shape[0])
        start = rng.bernoulli(rng.fold(key, "start"), 0.5, shape).astype(jnp.float32)
        return self._examples(general.sweeps(machine, start, key, self.sample_sweeps))

    def fantasies(self, params: PyTree, extra: PyTree) -> Array:
        """Means of the pixels given all other units of the chains: [chains, *example_shape]."""
        chains = extra["chains"][ROLE]
        return self._examples(jax.nn.sigmoid(self.machine(params, extra).field(chains)))

    def _examples(self, states: Array) -> Array:
        module = self._module()
        return states[:, : module.visible].reshape(-1, *module.example_shape)
