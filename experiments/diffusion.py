"""Diffusion and flow matching: a network that tells an example from the noise it was mixed with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.diffusion import consistency, guidance, likelihood, transport
from genlab.diffusion.path import Path
from genlab.diffusion.sampler import Denoise, check_data, draw_along
from genlab.diffusion.target import both
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import (
    Fraction,
    NonNegative,
    Positive,
    PositiveFraction,
    Share,
    Whole,
)
from genlab.part import says
from genlab.registry import experiments, paths, samplers, targets

PLAYER = "denoiser"
LOOKS = 8  # times at which a held-out example is looked at


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Diffusion(Experiment):
    """A network sees x_t = alpha(t) x + sigma(t) epsilon and t, and predicts what its target says.

    Path, target and sampler are parts of their own: `variance_preserving` with `noise` and `ancestral` is
    DDPM, `straight` with `velocity` and `euler` flow matching, `variance_exploding` with `preconditioned` and
    `heun` EDM. The objective is offered prediction and target, [B, ...]; the example x and what the prediction
    makes of it, `denoised`; the time, [B], in [0, 1]; ln(alpha^2 / sigma^2), `log_snr`, [B].

    With `gap` the network is a consistency model: f(x_t, t), what its prediction makes of the example, is to be
    the same along the probability flow, and its samples are f(x_1, 1). Prediction is then f(x_t, t), target
    f(x_r, r) without gradient at r = (1 - gap) t with the same example and noise, and `width`, [B], is t - r
    (t without `gap`). f(x, 0) = x on all paths without noise at 0, by
    every target but `data`, which is refused.

    Attributes:
      path: a registered path from data to noise.
      target: a registered target: `noise`, `data`, `v`, `velocity`, `preconditioned`.
      sampler: a registered sampler with its `steps`.
      scale_input: standard deviation s of the data; the network then sees x_t / sqrt(alpha^2 s^2 + sigma^2). None
        for x_t as it is.
      optimal_transport: whether noise goes to examples by optimal transport within the batch, in the place
        of at random.
      drop_label: probability that training hides the label of an example, for guidance; None for never.
      guidance: w of the prediction (1 + w) F(x_t, label) - w F(x_t) of samples; 0 for none.
      num_classes: of the data, of which samples are drawn evenly where the network takes a label.
      gap: share of a time that lies between the two that a consistency model is compared at, with a schedule
        from 1 down, say, to an end above 0; None for a diffusion.
      target_rate: how far the network that makes its targets moves to the learner in a round; None for the
        learner itself.

    Papers: Ho, Jain & Abbeel 2020, arXiv:2006.11239; Karras et al. 2022, arXiv:2206.00364; Lipman et al.
      2023, arXiv:2210.02747; guidance: Ho & Salimans 2022, arXiv:2207.12598; consistency: Song et al. 2023,
      arXiv:2303.01469; the learner as its own target: Song & Dhariwal 2023, arXiv:2310.14189; gap: Geng et al.
      2024, arXiv:2406.14548
    """

    DENSITY: ClassVar = "probability flow"
    ROLES: ClassVar = (PLAYER,)
    PLAYERS: ClassVar = (PLAYER,)
    SAMPLING: ClassVar = ("sampler", "guidance")
    OFFERS: ClassVar = {
        "objective": (
            *("prediction", "target", "x", "denoised", "time", "log_snr", "width"),
        )
    }

    path: str | Mapping = field(
        default="variance_preserving", metadata={"part": "paths"}
    )
    target: str | Mapping = field(default="noise", metadata={"part": "targets"})
    sampler: str | Mapping = field(default="ancestral", metadata={"part": "samplers"})
    scale_input: Positive | None = None
    optimal_transport: bool = False
    drop_label: Share | None = None
    guidance: NonNegative = 0.0
    num_classes: Whole = 0
    gap: PositiveFraction | None = None
    target_rate: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuses a target that the path does not allow, and a sampler of another kind of model."""
        if self._path.ends_in_noise and says(self._target, "needs_signal", False):
            raise InputError(
                f"target {self.target!r} says nothing of an example where the path {self.path!r} ends, in"
                " noise alone; take 'velocity', 'v' or 'data'"
            )
        sampler = samplers.choose(self.sampler)
        consistency.check(
            self.gap, self.target_rate, sampler, self._target, self.objective
        )
        takes_label = self.networks[PLAYER].takes_label
        guidance.check(self.guidance, self.drop_label, takes_label)
        transport.check(self.optimal_transport, takes_label)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where the sampler clips what examples in [low, high] may be."""
        check_data(samplers.choose(self.sampler), low, high)

    @property
    def _path(self) -> Path:
        return paths.choose(self.path)

    @property
    def _target(self) -> Callable:
        return targets.choose(self.target)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        network, x = self.networks[PLAYER], batch["x"]
        time = jnp.zeros(x.shape[0])
        return initialize(key, {PLAYER: [(network, (x, time))]}, batch.get("label"))

    def followers(self, params: PyTree) -> PyTree:
        if self.target_rate is None:
            return {}
        return consistency.first(params[PLAYER])

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = draw.batch["x"]
        time = self._path.times(rng.uniform(draw.key("time"), (x.shape[0],)))
        noise = self._noise(draw.key("noise"), x)
        label = self._hidden(draw)
        if self.target_rate is not None:
            own = params[PLAYER]
            extra = consistency.followed(own, extra, self.target_rate)
        call = lambda params, *inputs: self.networks[PLAYER].train(
            params, extra, *inputs, key=draw.root, label=label
        )
        seen, extra = self._judged(call, params, extra, x, noise, time)
        return Loss(self.objective_terms(draw, **seen), extra)

    def _noise(self, key: Array, x: Array) -> Array:
        """Noise for each of `x: [B, ...]`, the same shape."""
        noise = rng.normal(key, x.shape)
        return transport.paired(x, noise) if self.optimal_transport else noise

    def _hidden(self, draw: Draw) -> Array | None:
        """Labels of which some are hidden: those are `num_classes`."""
        label = draw.batch.get("label")
        if self.drop_label is None or label is None:
            return label
        coin = rng.bernoulli(draw.key("drop_label"), self.drop_label, label.shape)
        return jnp.where(coin, self.num_classes, label)

    def _judged(
        self,
        call: Callable,
        params: PyTree,
        extra: PyTree,
        x: Array,
        noise: Array,
        time: Array,
    ) -> tuple[dict[str, Array], PyTree]:
        """What the objective is offered, of `x` and `noise: [B, ...]` at `time: [B]`."""
        seen, renewed = self._predicted(call, params, x, noise, time)
        if self.gap is not None:
            then, teacher = consistency.earlier(time, self.gap), params
            if self.target_rate is not None:
                teacher = extra[consistency.TARGET]
            before, _ = self._predicted(call, teacher, x, noise, then)
            seen["prediction"] = seen["denoised"]
            seen["target"] = jax.lax.stop_gradient(before["denoised"])
            seen["width"] = jnp.maximum(time - then, consistency.EARLIEST)
        return seen, renewed

    def _predicted(
        self, call: Callable, params: PyTree, x: Array, noise: Array, time: Array
    ) -> tuple[dict[str, Array], PyTree]:
        """The same of a diffusion."""
        levels, weights = self._spread(time, x.ndim)
        x_t = levels[0] * x + levels[1] * noise
        told = self._path.told(time)
        prediction, extra = call(params, self._scaled(x_t, levels), told)
        return {
            "prediction": prediction,
            "target": weights[0] * x + weights[1] * noise,
            "x": x,
            "denoised": both(prediction, x_t, weights, levels)[0],
            "time": time,
            "log_snr": 2 * jnp.log(levels[0] / levels[1]).reshape(-1),
            "width": time,
        }, extra

    def _spread(self, time: Array, ndim: int) -> tuple[tuple, tuple]:
        """alpha and sigma, then p and q of the target, at `time`, in shapes that go with examples."""
        time = time.reshape(-1, *(1,) * (ndim - 1))
        levels = self._path.levels(time)
        return levels, self._target(*levels, *self._path.rates(time))

    def _scaled(self, x_t: Array, levels: tuple[Array, Array]) -> Array:
        if self.scale_input is None:
            return x_t
        alpha, sigma = levels
        variance = jnp.square(alpha * self.scale_input) + jnp.square(sigma)
        return x_t / jnp.sqrt(variance)

    def _denoise(self, params: PyTree, extra: PyTree, label: Array | None) -> Denoise:
        """The trained model as a function of x_t and one time for all."""
        network = self.networks[PLAYER]

        def denoise(x_t: Array, time: Array) -> tuple[Array, Array]:
            times = jnp.broadcast_to(time, (x_t.shape[0],))
            levels, weights = self._spread(times, x_t.ndim)
            inputs = self._scaled(x_t, levels), self._path.told(times)
            prediction = network(params, extra, *inputs, label=label)
            if self.drop_label is not None and label is not None:
                none = jnp.full_like(label, self.num_classes)
                alone = network(params, extra, *inputs, label=none)
                prediction = prediction + self.guidance * (prediction - alone)
            return both(prediction, x_t, weights, levels)

        return denoise

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The mean squared difference of the prediction from its target on held-out examples, [B], over LOOKS
        times that are spread evenly over those of training."""
        x, network = draw.batch["x"], self.networks[PLAYER]
        label = draw.batch.get("label")
        call = lambda params, *inputs: (
            *(network(params, extra, *inputs, label=label), extra),
        )

        def look(index: Array) -> Array:
            noise = self._noise(rng.fold(draw.key("noise"), index), x)
            time = self._path.times(jnp.full(x.shape[:1], (index + 0.5) / LOOKS))
            seen, _ = self._judged(call, params, extra, x, noise, time)
            gap = seen["prediction"] - seen["target"]
            return jnp.mean(jnp.square(gap), axis=tuple(range(1, x.ndim)))

        errors = jax.lax.map(look, jnp.arange(LOOKS))
        return {"prediction_error": jnp.mean(errors, axis=0)}

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """`num` examples, `[num, ...]`; classes drawn evenly where the network takes one."""
        label = None
        if self.networks[PLAYER].takes_label:
            label = rng.classes(key, num, self.num_classes)
        return self._drawn(params, extra, key, num, label)

    def sample_classes(
        self, params: PyTree, extra: PyTree, label: Array, key: Array
    ) -> Array:
        """Examples of given classes, `label: [N]`: `[N, ...]`.

        Raises:
          InputError: the network takes no label.
        """
        self.networks[PLAYER].need_label("samples of a class")
        return self._drawn(params, extra, key, label.shape[0], label)

    def _drawn(
        self, params: PyTree, extra: PyTree, key: Array, num: int, label: Array | None
    ) -> Array:
        path = self._path
        shape = (num, *self.networks[PLAYER].module.example_shape)
        start = path.levels(jnp.ones(()))[1] * rng.normal(rng.fold(key, "start"), shape)
        denoise = self._denoise(params, extra, label)
        chosen = samplers.choose(self.sampler)
        return draw_along(chosen, path, denoise, start, rng.fold(key, "way"))

    def log_density(
        self,
        params: PyTree,
        extra: PyTree,
        x: Array,
        key: Array,
        *,
        steps: int = 100,
        exact: bool = False,
    ) -> Array:
        """log p(x) by the probability flow, [B] nats, of `x: [B, ...]` and no label.

        Raises:
          InputError: the network is a consistency model.
        """
        consistency.need_flow(self.gap)
        denoise = self._denoise(params, extra, None)
        return likelihood.log_density(
            self._path, denoise, x, key, steps=steps, exact=exact
        )
