"""Deep belief networks: a machine at the top, directed layers below."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.boltzmann import gibbs
from genlab.boltzmann.labels import label_log_probabilities, log_marginal
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.mean_field import bernoulli_entropy
from genlab.boltzmann.negative import NegativePhase
from genlab.boltzmann.units import Labelled, check_binary
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.sums import sum_of_squares
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, NonNegative
from genlab.objectives.likelihood import bernoulli
from genlab.registry import experiments

PLAYER = "dbn"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Dbn(Experiment):
    """A stack that is fine-tuned by the up-down algorithm, contrastive wake-sleep.

    Wake: states are drawn upwards, and the generative layers learn to undo each step. Top: the
    machine learns these states, the energy difference of which the objective is. Sleep: from the
    machine's own states examples are drawn downwards, and the recognition layers learn to undo
    that. A machine with labels models states and class together.

    Attributes:
      sweeps: Gibbs sweeps of the top machine in a move.
      chains: its persistent chains; None starts at the data's states in every move.
      weight_decay: lambda of lambda/2 |W|^2 of the top machine, 0 or more.
      sample_sweeps: Gibbs sweeps behind a sample, from independent units.

    Paper: Hinton, Osindero & Teh 2006, Neural Comput. 18:1527-1554
    """

    ROLES: ClassVar = ("recognition", "generative", "machine")
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sample_sweeps",)
    OFFERS: ClassVar = {"objective": ("data", "model")}

    sweeps: Count = 1
    chains: Count | None = None
    weight_decay: NonNegative = 0.0
    sample_sweeps: Count = 1000

    def __post_init__(self) -> None:
        """Refuses knobs, and layers that do not chain, before any tracing."""
        self._negative()
        up, down = self._layers("recognition"), self._layers("generative")
        top = tuple(self._module().example_shape)
        if tuple(up.widths) != tuple(down.widths) or tuple(up.widths[-1:]) != top:
            raise InputError(
                f"layers do not chain: recognition {tuple(up.widths)}, generative"
                f" {tuple(down.widths)}, and the machine above on {top}; take the same widths,"
                " the last as example_shape of the machine"
            )
        if up.downward or not down.downward:
            raise InputError(
                "of a dbn the generative layers have downward=True, the recognition layers not"
            )

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] are no states of Bernoulli units."""
        check_binary(low, high)

    def _layers(self, role: str):
        return self.networks[role].module

    def _module(self):
        return self.networks["machine"].module

    def _negative(self) -> NegativePhase:
        return NegativePhase(self.sweeps, self.chains)

    @property
    def _depth(self) -> int:
        return len(self._layers("recognition").widths)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x = batch["x"]
        top = jnp.zeros((x.shape[0], *self._module().example_shape))
        inputs = {"recognition": x, "generative": top, "machine": top}
        networks = [(self.networks[role], (inputs[role],)) for role in self.ROLES]
        params, extra = initialize(key, {PLAYER: networks})
        return params, extra | self._negative().init(key, self._module().units())

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        machine = self.machine(params, extra)
        wake = self._up(params, draw.batch["x"], draw.key("up"))
        top = self._with_label(wake[-1], draw)
        dreamt, extra, metrics = self._negative()(
            machine, extra, top, draw.key("negative")
        )
        awake, asleep = machine.free_energy(top), machine.free_energy(dreamt)
        terms = self.objective_terms(draw, data=awake, model=asleep)
        terms["generation"] = sum(
            bernoulli(self._logits(params, "generative", above, index), below)
            for index, (below, above) in enumerate(itertools.pairwise(wake))
        )
        sleep = self._down(params, self._without_label(dreamt), draw.key("down"))
        terms["recognition"] = sum(
            bernoulli(self._logits(params, "recognition", below, index), above)
            for index, (below, above) in enumerate(itertools.pairwise(sleep))
        )
        kernel = params[PLAYER]["machine"]["kernel"]
        terms["weight_decay"] = 0.5 * self.weight_decay * sum_of_squares(kernel)
        return Loss(terms, extra, metrics)

    def _logits(self, params: PyTree, role: str, states: Array, index: int) -> Array:
        return self._layers(role).logits(params[PLAYER][role], states, index)

    def _up(self, params: PyTree, x: Array, key: Array) -> list[Array]:
        """States drawn by recognition, example first: [B, N] each."""
        states = [x.reshape(x.shape[0], -1)]
        for index in range(self._depth):
            mean = jax.nn.sigmoid(
                self._logits(params, "recognition", states[-1], index)
            )
            coins = rng.bernoulli(rng.fold(key, f"layer_{index}"), mean, mean.shape)
            states.append(coins.astype(jnp.float32))
        return states

    def _down(self, params: PyTree, top: Array, key: Array) -> list[Array]:
        """States drawn by generation, example first: [B, N] each."""
        states = [top]
        for index in reversed(range(self._depth)):
            mean = jax.nn.sigmoid(self._logits(params, "generative", states[0], index))
            coins = rng.bernoulli(rng.fold(key, f"layer_{index}"), mean, mean.shape)
            states.insert(0, coins.astype(jnp.float32))
        return states

    def _with_label(self, states: Array, draw: Draw) -> Array:
        module = self._module()
        label = None
        if module.labels:
            label = jax.nn.one_hot(draw.batch["label"], module.labels)
        return module.visible_states(states, label)

    def _without_label(self, states: Array) -> Array:
        return self._module().examples(states)

    def machine(self, params: PyTree, extra: PyTree) -> Machine:
        """The machine at the top as it is."""
        del extra
        return self._module().machine(params[PLAYER]["machine"])

    def machine_states(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """Visible states of the top machine at a batch, drawn by recognition: [B, D]."""
        del extra
        states = self._up(params, draw.batch["x"], draw.key("up"))
        return self._with_label(states[-1], draw)

    def log_unnormalized(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """A bound on log p(x) + log Z from below, from one draw of q(h|x): [B], nats.

        E_q[-F(h_top) + sum log p(h_l | h_l+1)] + H(q), labels summed out.
        """
        machine = self.machine(params, extra)
        states = self._up(params, draw.batch["x"], draw.key("up"))
        total = log_marginal(machine, states[-1])
        for index, (below, above) in enumerate(itertools.pairwise(states)):
            down = self._logits(params, "generative", above, index)
            up = self._logits(params, "recognition", below, index)
            total += bernoulli_entropy(up) - bernoulli(down, below)
        return total

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: the negative bound on log p + log Z (nats), half the
        squared error of the reconstruction, and with labels whether the likeliest is right."""
        x = draw.batch["x"]
        gap = self.reconstruct(params, extra, x) - x
        axes = tuple(range(1, x.ndim))
        values = {
            "free_energy": -self.log_unnormalized(params, extra, draw),
            "squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=axes),
        }
        machine = self.machine(params, extra)
        if isinstance(machine.visible, Labelled):
            mean = self.networks["recognition"](params, extra, x)
            blank = jnp.pad(mean, ((0, 0), (0, machine.visible.labels)))
            best = jnp.argmax(label_log_probabilities(machine, blank), axis=-1)
            values["accuracy"] = best == draw.batch["label"]
        return values

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Examples drawn downwards from the top machine's states: [num, *example_shape]."""
        machine = self.machine(params, extra)
        shape = (num, machine.visible.size)
        field = jnp.broadcast_to(machine.visible_bias, shape)
        v = machine.visible.sample(field, rng.fold(key, "start"))
        v = gibbs.sweeps(machine, v, rng.fold(key, "sweeps"), self.sample_sweeps)
        states = self._down(params, self._without_label(v), rng.fold(key, "down"))
        return self._shaped(states[0])

    def sample_classes(
        self, params: PyTree, extra: PyTree, label: Array, key: Array
    ) -> Array:
        """Means of examples of given classes, `label: [N]`: [N, *example_shape].

        Raises:
          InputError: the top machine has no labels.
        """
        machine = self.machine(params, extra)
        units = machine.visible
        if not isinstance(units, Labelled):
            raise InputError(
                "samples of a class need labels in the top machine; set labels on it"
            )
        one_hot = jax.nn.one_hot(label, units.labels)
        keep = lambda v: jnp.concatenate([v[:, : units.bernoulli], one_hot], axis=1)
        field = jnp.broadcast_to(machine.visible_bias, (label.shape[0], units.size))
        v = keep(units.sample(field, rng.fold(key, "start")))
        v = gibbs.sweeps(
            machine,
            v,
            rng.fold(key, "sweeps"),
            self.sample_sweeps,
            keep_visible=keep,
        )
        states = self._down(params, self._without_label(v), rng.fold(key, "down"))
        mean = jax.nn.sigmoid(self._logits(params, "generative", states[1], 0))
        return self._shaped(mean)

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Means of the top hidden units, by means on the way, of `x: [B, ...]`: [B, K]."""
        mean = self.networks["recognition"](params, extra, x)
        return self.networks["machine"](params, extra, mean)

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Up and down again by means, of `x: [B, ...]`: the same shape."""
        mean = self.networks["recognition"](params, extra, x)
        return self._shaped(self.networks["generative"](params, extra, mean))

    def filters(self, params: PyTree, extra: PyTree) -> Array:
        """Recognition weights of each unit of the first layer: [K, *example_shape]."""
        del extra
        return self._shaped(params[PLAYER]["recognition"]["layer_0"]["kernel"].T)

    def _shaped(self, x: Array) -> Array:
        shape = self._layers("generative").example_shape
        return x.reshape(x.shape[0], *shape)
