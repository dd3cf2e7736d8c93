"""Restricted Boltzmann machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.boltzmann import gibbs
from genlab.boltzmann.completion import complete
from genlab.boltzmann.labels import label_log_probabilities, log_marginal
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.negative import ROLE, NegativePhase
from genlab.boltzmann.pseudo import pseudo_log_likelihood
from genlab.boltzmann.units import Bernoulli, Gaussian, Labelled, check_binary
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.sums import sum_of_squares
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, Fraction, NonNegative
from genlab.objectives.activation import check_decay, first_mean, mean_activations
from genlab.objectives.regularizer import Encoding
from genlab.registry import experiments

PLAYER = "rbm"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Rbm(Experiment):
    """One machine that lowers the free energy of data and raises that of its own states.

    The loss is mean F(v0) - mean F(vk), vk after Gibbs sweeps from the data (CD-k) or from chains
    that persist (PCD), at one temperature or at several. Networks in the optional role `features`
    are frozen: the visible units are then drawn from their code of x, which is how one layer of a
    stack is trained.

    Attributes:
      sweeps: Gibbs sweeps of a move, k.
      chains: persistent chains; None for CD.
      temperatures: of parallel tempering; 1 for none.
      weight_decay: lambda of lambda/2 |W|^2, 0 or more.
      regularizer: a registered regularizer of p(h|v), such as `kl_sparsity`.
      mean_decay: share of the old in the running mean activations that `kl_sparsity` looks at;
        None takes the mean of each batch alone.
      sample_sweeps: Gibbs sweeps behind a sample, from independent units.

    Papers: Hinton 2002, Neural Comput. 14:1771-1800; Tieleman 2008, ICML; Hinton 2012, A Practical
      Guide to Training Restricted Boltzmann Machines
    """

    ROLES: ClassVar = ("machine",)
    OPTIONAL_ROLES: ClassVar = ("features",)
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sample_sweeps",)
    OFFERS: ClassVar = {
        "objective": ("data", "model"),
        "regularizer": ("encoding", "code", "x"),
    }

    sweeps: Count = 1
    chains: Count | None = None
    temperatures: Count = 1
    weight_decay: NonNegative = 1e-4
    regularizer: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    mean_decay: Fraction | None = None
    sample_sweeps: Count = 1000

    def __post_init__(self) -> None:
        """Refuses knobs while they are numbers, before any tracing."""
        self._negative()
        module = self._module()
        module.units()
        check_decay(self.regularizer, self.mean_decay)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] do not fit the visible units."""
        if self._module().visible == "bernoulli" and "features" not in self.networks:
            check_binary(low, high, "visible='gaussian' on the model")

    def _module(self):
        return self.networks["machine"].module

    def _negative(self) -> NegativePhase:
        return NegativePhase(self.sweeps, self.chains, self.temperatures)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, groups = batch["x"], {}
        if "features" in self.networks:
            features = self.networks["features"]
            groups["frozen"] = [(features, (x,))]
            code = features.shape_of_output(x)
            x = jnp.zeros(code.shape, code.dtype)
        networks = [(self.networks["machine"], (x,))]
        params, extra = initialize(key, {PLAYER: networks, **groups})
        extra |= self._negative().init(key, self._module().units())
        if self.mean_decay is not None:
            extra |= first_mean(self._module().hidden)
        return params, extra

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        machine = self.machine(params, extra)
        data = self.machine_states(params, extra, draw)
        states, renewed, metrics = self._negative()(
            machine, extra, data, draw.key("negative")
        )
        # One product of both, which is faster than two of half the size.
        both, count = jnp.concatenate([data, states]), data.shape[0]
        energies = jnp.split(machine.free_energy(both), [count])
        terms = self.objective_terms(draw, data=energies[0], model=energies[1])
        kernel = params[PLAYER]["machine"]["kernel"]
        terms["weight_decay"] = 0.5 * self.weight_decay * sum_of_squares(kernel)
        # Copies of a hidden unit are one unit.
        encode = lambda v: machine.hidden.mean(machine.hidden_field(v))[
            :, : self._module().hidden
        ]
        code = encode(both)[:count]
        mean, renewed = mean_activations(code, renewed, decay=self.mean_decay)
        if self.regularizer is not None:
            seen = {"encoding": Encoding(encode, data, code, mean)}
            seen |= {"code": code, "x": data}
            terms["regularization"] = self.ask("regularizer", draw, **seen)
        metrics["mean_activation"] = jnp.mean(code, axis=-1)
        return Loss(terms, renewed, metrics)

    def machine(self, params: PyTree, extra: PyTree) -> Machine:
        """The machine as it is."""
        del extra
        return self._module().machine(params[PLAYER]["machine"])

    def machine_states(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """Visible states of the machine at a batch: [B, D]."""
        x = draw.batch["x"]
        if "features" in self.networks:
            probability = self.networks["features"](params, extra, x)
            probability = jax.lax.stop_gradient(probability)
            coins = rng.bernoulli(draw.key("features"), probability, probability.shape)
            x = coins.astype(jnp.float32)
        module = self._module()
        label = None
        if module.labels:
            label = jax.nn.one_hot(draw.batch["label"], module.labels)
        return module.visible_states(x, label)

    def log_unnormalized(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """log p(x) + log Z of a batch, exact, labels summed out: [B], nats."""
        v = self.machine_states(params, extra, draw)
        machine = self.machine(params, extra)
        if isinstance(machine.visible, Labelled):
            return log_marginal(machine, v[:, : machine.visible.bernoulli])
        return -machine.free_energy(v) - self._module().log_volume()

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: free energy (nats), half the squared error of the
        reconstruction in the unit of the examples, of Bernoulli units the log pseudo-likelihood
        (nats), and with labels whether the most probable one is right."""
        machine = self.machine(params, extra)
        v = self.machine_states(params, extra, draw)
        examples = self._module().examples
        gap = (examples(machine.reconstruct(v)) - examples(v)).reshape(v.shape[0], -1)
        values = {
            "free_energy": machine.free_energy(v),
            "squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=-1),
        }
        if isinstance(machine.visible, Bernoulli):
            key = draw.key("pseudo")
            values["pseudo_log_likelihood"] = pseudo_log_likelihood(machine, v, key)
        if isinstance(machine.visible, Labelled):
            best = jnp.argmax(label_log_probabilities(machine, v), axis=-1)
            values["accuracy"] = best == draw.batch["label"]
        return values

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Examples after Gibbs sweeps from independent units: [num, *example_shape]."""
        self._need_examples("sample")
        machine = self.machine(params, extra)
        field = jnp.broadcast_to(
            machine.visible_bias, (num, machine.visible_bias.shape[0])
        )
        v = machine.visible.sample(field, rng.fold(key, "start"))
        v = gibbs.sweeps(machine, v, rng.fold(key, "sweeps"), self.sample_sweeps)
        return self._module().examples(v)

    def fantasies(self, params: PyTree, extra: PyTree) -> Array:
        """Means of the visible units one sweep after the chains: [chains, *example_shape]."""
        self._need_examples("fantasies")
        if "chains" not in extra:
            raise InputError(
                "plot 'fantasies' shows persistent chains; set experiment.chains, or take plot"
                " 'samples'"
            )
        chains = extra["chains"][ROLE]
        cold = chains[:, -1] if self.temperatures > 1 else chains
        return self._module().examples(self.machine(params, extra).reconstruct(cold))

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """p(h = 1 | v) of `x: [B, ...]`: [B, K]; labels count as absent."""
        if "features" in self.networks:
            x = self.networks["features"](params, extra, x)
        return self.networks["machine"](params, extra, x)

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """E[v'|E[h|v]] of `x: [B, ...]`, labels absent: the same shape."""
        self._need_examples("reconstruct")
        machine = self.machine(params, extra)
        mean = machine.visible.mean(
            machine.visible_field(self.encode(params, extra, x))
        )
        return self._module().examples(mean)

    def complete(
        self, params: PyTree, extra: PyTree, x: Array, known: Array, key: Array
    ) -> Array:
        """Means of unknown pixels given known ones, by Gibbs sweeps: see `genlab.boltzmann`.

        Args:
          params: of the state.
          extra: of the state.
          x: [B, ...], examples.
          known: [...], of one example's shape: True where x is given.
          key: of the sweeps.

        Returns:
          [B, ...].
        """
        self._need_examples("complete")
        module, machine = self._module(), self.machine(params, extra)
        if not isinstance(machine.visible, Bernoulli | Gaussian):
            raise InputError("a machine with labels cannot complete examples alone")
        v = module.visible_states(x)
        mask = jnp.tile(known.reshape(-1), module.visible_copies)
        mean = complete(machine, v, mask, key, count=self.sample_sweeps)
        return module.examples(mean)

    def filters(self, params: PyTree, extra: PyTree) -> Array:
        """Weights of each hidden unit as an example: [K, *example_shape]."""
        del extra
        self._need_examples("filters")
        return self._module().examples(params[PLAYER]["machine"]["kernel"].T)

    def _need_examples(self, what: str) -> None:
        if "features" in self.networks:
            raise InputError(
                f"a machine on frozen features has no {what} of examples, only of their code;"
                " train the whole stack with experiment 'dbn'"
            )
