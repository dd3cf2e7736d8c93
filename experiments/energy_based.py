"""Energy-based models: a network that says how unlikely an example is, up to a constant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.boltzmann.langevin import Langevin, LangevinPhase, slope
from genlab.boltzmann.negative import ROLE
from genlab.boltzmann.plane import log_partition
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Coordinate, Count, Fraction, NonNegative, Positive
from genlab.part import name_of, needs_of
from genlab.registry import experiments

PLAYER = "energy"
CELLS = 384  # on a side of the plane, over which a density is summed up


@experiments.register
@dataclass(frozen=True, kw_only=True)
class EnergyBased(Experiment):
    """One network f with p(x) = exp(f(x)) / Z in a box, whose energy is E = -f.

    It is high for examples, as a discriminator is; of several logits, such as a classifier's, f is the
    log-sum-exp.

    With an objective that looks at `model`, such as `contrastive_divergence`, negative states come from Langevin
    chains, which start at the data or persist. Those of score matching are given the `energy` itself, a function
    of examples, and run no chains; samples of all are drawn by them.

    Attributes:
      support: the lower and the upper end of the box, for every number of an example.
      steps: of the chains in a move.
      step_size: of the chains, a in x - a grad E(x).
      noise: standard deviation of theirs; None for sqrt(2 a), at which they are those of p(x).
      clip: the largest slope of each number of x that they follow; None for any.
      jump: whether chains may jump anywhere in the box as well, by Metropolis' rule, which mixes wells in the
        plane and is for nothing in high dimensions.
      chains: that persist; None for chains from the data.
      fresh: probability of a persistent chain of being set back to the start before a move.
      corruption: a registered corruption of the examples that the network sees, such as a little
        `gaussian_noise`.
      sample_steps: of the chains behind a sample.
      sample_from: where they start: `noise` in the box, or the `chains`, drawn with replacement, so that many samples
        of few chains are alike and not independent.
      example_shape: shape of one example.

    Papers: Hinton 2002, Neural Comput. 14:1771-1800; Du & Mordatch 2019, arXiv:1903.08689; Nijkamp et al. 2019,
      arXiv:1903.12370
    """

    DENSITY: ClassVar = "grid"
    ROLES: ClassVar = (PLAYER,)
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sample_steps", "sample_from")
    OFFERS: ClassVar = {
        "objective": ("data", "model", "energy", "x"),
        "corruption": ("x",),
    }

    support: Sequence[Coordinate] = (-1.0, 1.0)
    steps: Count = 60
    step_size: Positive = 10.0
    noise: NonNegative | None = None
    clip: Positive | None = None
    jump: bool = False
    chains: Count | None = None
    fresh: Fraction = 0.05
    corruption: str | Mapping | None = field(
        default=None, metadata={"part": "corruptions"}
    )
    sample_steps: Count = 500
    sample_from: str = "noise"
    example_shape: Sequence[Count] = ()

    def __post_init__(self) -> None:
        """Refuses a box without inside, and samples from chains that are not there."""
        if len(self.support) != 2 or not _are_ordered(*self.support):
            raise InputError(
                f"experiment.support={tuple(self.support)} is no box; take its lower and its upper end,"
                " such as (-1.0, 1.0)"
            )
        if self.sample_from not in ("noise", "chains"):
            raise InputError(
                f"experiment.sample_from={self.sample_from!r} is neither 'noise' nor 'chains'"
            )
        if self.sample_from == "chains" and not (self.chains and self._contrasts()):
            raise InputError(
                "experiment.sample_from='chains' is of chains that persist; set experiment.chains, and take"
                " an objective of 'model', such as 'contrastive_divergence'"
            )

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] do not lie in the box."""
        if low < self.support[0] or high > self.support[1]:
            raise InputError(
                f"examples lie in [{low:g}, {high:g}], outside experiment.support={tuple(self.support)}"
            )

    def _contrasts(self) -> bool:
        """Whether the objective looks at states of the model."""
        return "model" in needs_of(self.objective)

    def _dynamics(self, steps: int) -> Langevin:
        knobs = self.step_size, self.noise, self.clip, self.support, self.jump
        return Langevin(steps, *knobs)

    def _negative(self) -> LangevinPhase:
        return LangevinPhase(self._dynamics(self.steps), self.chains, self.fresh)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        network, x = self.networks[PLAYER], batch["x"]
        params, extra = initialize(key, {PLAYER: [(network, (x,))]})
        shape = getattr(network.shape_of_output(x), "shape", ())
        if shape[:1] != x.shape[:1] or len(shape) > 2:
            raise InputError(
                f"model.energy: {name_of(network.module)!r} makes no logits of an example, [B] or [B, K];"
                " take a discriminator, such as 'mlp_discriminator', or 'conv_classifier'"
            )
        if "batch_stats" in extra:
            raise InputError(
                "model.energy normalises over the batch, so that the energy of an example depends on the others;"
                " take norm='none', or 'conv_classifier'"
            )
        if self._contrasts():
            extra |= self._negative().init(key, x.shape[1:])
        return params, extra

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        network, x = self.networks[PLAYER], draw.batch["x"]
        if self.corruption is not None:
            x = self.ask("corruption", draw, x=x)

        def call(x: Array, extra: PyTree = extra) -> tuple[Array, PyTree]:
            logits, extra = network.train(params, extra, x, key=draw.root)
            return _energy_of(logits), extra

        energy = lambda x: call(x)[0]
        if not self._contrasts():
            data, renewed = call(x)
            seen = dict(data=data, model=None, energy=energy, x=x)
            return Loss(self.objective_terms(draw, **seen), renewed)
        still = self._energy(jax.lax.stop_gradient(params), extra)
        states, renewed = self._negative()(still, extra, x, draw.key("negative"))
        # One product of both, which is faster than two of half the size.
        both, renewed = call(jnp.concatenate([x, states]), renewed)
        data, model = jnp.split(both, [len(x)])
        terms = self.objective_terms(draw, data=data, model=model, energy=energy, x=x)
        gap = jnp.mean(model) - jnp.mean(data)
        return Loss(terms, renewed, {"energy_gap": gap})

    def _energy(self, params: PyTree, extra: PyTree) -> Callable[[Array], Array]:
        """The trained model as a function of examples, [N, ...], to [N] nats."""
        return lambda x: _energy_of(self.networks[PLAYER](params, extra, x))

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The energy of held-out examples and the squared length of the score at them, [B] each."""
        x, energy = draw.batch["x"], self._energy(params, extra)
        squares = jnp.sum(jnp.square(slope(energy, x)), axis=tuple(range(1, x.ndim)))
        return {"free_energy": energy(x), "squared_score": squares}

    def score(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """-grad E(x), the gradient of log p(x), of `x: [B, ...]`: the same shape."""
        return -slope(self._energy(params, extra), x)

    def log_unnormalized(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """log p(x) + log Z of a batch, -E(x): [B], nats."""
        return -self._energy(params, extra)(draw.batch["x"])

    def log_density(
        self,
        params: PyTree,
        extra: PyTree,
        x: Array,
        key: Array,
        *,
        steps: int = 0,
        exact: bool = True,
    ) -> Array:
        """log p(x) of points `x: [B, 2]`, with Z by a sum over a grid of the box: [B] nats.

        Raises:
          InputError: examples are no points of the plane.
        """
        del key, steps, exact
        if x.shape[1:] != (2,):
            raise InputError(
                "log p(x) of an energy needs its partition function, which is at hand in the plane alone;"
                f" examples have shape {x.shape[1:]}; 'free_energy_gap' compares energies without it"
            )
        energy = self._energy(params, extra)
        return -energy(x) - log_partition(energy, self.support, CELLS)

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """States of chains after `sample_steps`, `[num, ...]`."""
        if self.sample_from == "chains":
            chains = extra["chains"][ROLE]
            start = chains[rng.classes(rng.fold(key, "start"), num, len(chains))]
        else:
            shape = (num, *self.example_shape)
            start = rng.uniform(rng.fold(key, "start"), shape, *self.support)
        dynamics = self._dynamics(self.sample_steps)
        return dynamics(self._energy(params, extra), start, rng.fold(key, "walk"))

    def fantasies(self, params: PyTree, extra: PyTree) -> Array:
        """The chains that persist, as they are: [chains, ...].

        Raises:
          InputError: there are none.
        """
        del params
        if "chains" not in extra:
            raise InputError(
                "plot 'fantasies' shows persistent chains; set experiment.chains, or take plot 'samples'"
            )
        return extra["chains"][ROLE]


def _energy_of(logits: Array) -> Array:
    """E of logits, [B] or [B, K]: [B]."""
    return -logits if logits.ndim == 1 else -jax.nn.logsumexp(logits, axis=1)


def _are_ordered(low: float | Array, high: float | Array) -> bool:
    """Of two numbers; of traced ones, whose trial was checked with numbers, yes."""
    traced = isinstance(low, jax.core.Tracer) or isinstance(high, jax.core.Tracer)
    return traced or low < high
