"""Deep Boltzmann machines."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.boltzmann import gibbs
from genlab.boltzmann.completion import complete
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.mean_field import bernoulli_entropy
from genlab.boltzmann.negative import ROLE, NegativePhase
from genlab.boltzmann.units import Bernoulli, check_binary
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.sums import sum_of_squares
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, NonNegative
from genlab.registry import experiments

PLAYER = "dbm"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Dbm(Experiment):
    """All layers together: mean field for the data, persistent chains for the model.

    The loss is mean E(v, mu) - mean F(odd layers of the chains), mu the mean field given v and the even
    layers summed out.

    Attributes:
      mean_field_sweeps: of the positive phase.
      sweeps: Gibbs sweeps of the chains in a move.
      chains: persistent chains.
      temperatures: of parallel tempering; 1 for none.
      weight_decay: lambda of lambda/2 sum |W_l|^2, 0 or more.
      sample_sweeps: Gibbs sweeps behind a sample, from independent units.

    Paper: Salakhutdinov & Hinton 2009, AISTATS
    """

    ROLES: ClassVar = ("machine",)
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sample_sweeps",)
    OFFERS: ClassVar = {"objective": ("data", "model")}

    mean_field_sweeps: Count = 10
    sweeps: Count = 5
    chains: Count = 100
    temperatures: Count = 1
    weight_decay: NonNegative = 0.0
    sample_sweeps: Count = 1000

    def __post_init__(self) -> None:
        """Refuses knobs while they are numbers, before any tracing."""
        self._negative()

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] are no states of Bernoulli units."""
        check_binary(low, high)

    def _module(self):
        return self.networks["machine"].module

    def _negative(self) -> NegativePhase:
        return NegativePhase(self.sweeps, self.chains, self.temperatures)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        networks = [(self.networks["machine"], (batch["x"],))]
        params, extra = initialize(key, {PLAYER: networks})
        units = self.machine(params, extra).visible
        return params, extra | self._negative().init(key, units)

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        machine = self.machine(params, extra)
        odd, even = jax.lax.stop_gradient(self._means(params, draw.batch["x"]))
        states, extra, metrics = self._negative()(
            machine, extra, odd, draw.key("negative")
        )
        # The energy is linear in each unit, so that its mean is the energy of the means.
        energy = machine.energy(odd, even)
        free_energy = machine.free_energy(states)
        terms = self.objective_terms(draw, data=energy, model=free_energy)
        kernels = [
            sum_of_squares(leaf)
            for name, leaf in params[PLAYER]["machine"].items()
            if name.startswith("kernel_")
        ]
        terms["weight_decay"] = 0.5 * self.weight_decay * sum(kernels)
        hidden = jnp.concatenate([odd, even[:, self._size :]], axis=1)
        metrics["mean_activation"] = jnp.mean(hidden, axis=-1)
        return Loss(terms, extra, metrics)

    @property
    def _size(self) -> int:
        return self._module().sizes[0]

    def _logits(self, params: PyTree, x: Array) -> tuple[Array, Array]:
        weights = params[PLAYER]["machine"]
        return self._module().posterior(weights, x, count=self.mean_field_sweeps)

    def _means(self, params: PyTree, x: Array) -> tuple[Array, Array]:
        """Mean field of the odd layers, and the even ones with the example: [B, N], [B, K]."""
        odd, upper = self._logits(params, x)
        v = x.reshape(x.shape[0], -1)
        return jax.nn.sigmoid(odd), jnp.concatenate([v, jax.nn.sigmoid(upper)], axis=1)

    def machine(self, params: PyTree, extra: PyTree) -> Machine:
        """The machine as it is, odd layers on its visible side."""
        del extra
        return self._module().machine(params[PLAYER]["machine"])

    def machine_states(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """Odd layers at a batch, drawn from the mean field: [B, N]."""
        del extra
        odd, _ = self._means(params, draw.batch["x"])
        return rng.bernoulli(draw.key("odd"), odd, odd.shape).astype(jnp.float32)

    def log_unnormalized(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """The variational bound on log p(x) + log Z from below, -E(v, mu) + H(mu): [B], nats."""
        odd, upper = self._logits(params, draw.batch["x"])
        means = self._means(params, draw.batch["x"])
        entropy = bernoulli_entropy(odd) + bernoulli_entropy(upper)
        return entropy - self.machine(params, extra).energy(*means)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: the negative bound on log p + log Z (nats) and half the
        squared error of the reconstruction."""
        x = draw.batch["x"]
        gap = self.reconstruct(params, extra, x) - x
        axes = tuple(range(1, x.ndim))
        return {
            "free_energy": -self.log_unnormalized(params, extra, draw),
            "squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=axes),
        }

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Examples after Gibbs sweeps from independent units: [num, *example_shape]."""
        machine = self.machine(params, extra)
        shape = (num, machine.visible.size)
        field = jnp.broadcast_to(machine.visible_bias, shape)
        odd = machine.visible.sample(field, rng.fold(key, "start"))
        odd = gibbs.sweeps(machine, odd, rng.fold(key, "sweeps"), self.sample_sweeps)
        return self._examples(machine.sample_hidden(odd, rng.fold(key, "even")))

    def fantasies(self, params: PyTree, extra: PyTree) -> Array:
        """Means of the visible units given the chains: [chains, *example_shape]."""
        chains = extra["chains"][ROLE]
        cold = chains[:, -1] if self.temperatures > 1 else chains
        machine = self.machine(params, extra)
        return self._examples(machine.hidden.mean(machine.hidden_field(cold)))

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean field of all hidden layers, the first first, of `x: [B, ...]`: [B, sum(widths)]."""
        del extra
        odd, even = self._means(params, x)
        return jnp.concatenate(
            self._module().layers(odd, even[:, self._size :]), axis=1
        )

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Means of the visible units given the mean field of `x: [B, ...]`: the same shape."""
        machine = self.machine(params, extra)
        odd, _ = self._means(params, x)
        return self._examples(machine.hidden.mean(machine.hidden_field(odd)))

    def complete(
        self, params: PyTree, extra: PyTree, x: Array, known: Array, key: Array
    ) -> Array:
        """Means of unknown pixels given known ones, by Gibbs sweeps of all layers.

        Args:
          params: of the state.
          extra: of the state.
          x: [B, ...], examples.
          known: [...], of one example's shape: True where x is given.
          key: of the sweeps.

        Returns:
          [B, ...].
        """
        machine = self.machine(params, extra)
        even = Machine(
            machine.kernel.T,
            machine.hidden_bias,
            machine.visible_bias,
            Bernoulli(machine.hidden.size),
            machine.dtype,
        )
        above = even.visible.size - self._size
        v = jnp.pad(x.reshape(x.shape[0], -1), ((0, 0), (0, above)))
        mask = jnp.pad(known.reshape(-1), (0, above))
        return self._examples(complete(even, v, mask, key, count=self.sample_sweeps))

    def filters(self, params: PyTree, extra: PyTree) -> Array:
        """Weights of each unit of the first layer as an example: [K, *example_shape]."""
        del extra
        return self._examples(params[PLAYER]["machine"]["kernel_0"].T)

    def _examples(self, even: Array) -> Array:
        shape = self._module().example_shape
        return even[:, : self._size].reshape(even.shape[0], *shape)
