"""What variational families share: latents are drawn for examples, weighed, and a bound made of the weights."""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import Gaussian, repeated
from genlab.game.turn import Draw, Loss
from genlab.numbers import Count, Whole
from genlab.objectives.bound import iwae
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.part import name_of, needs_of
from genlab.registry import objectives

# To the objective of every such family.
OFFER = (
    *("reconstruction", "kl", "kl_per_dimension"),
    *("log_weights", "generative_log_weights", "path_log_weights"),
    *("x", "outputs", "z", "mean", "log_variance"),
)


class Inferred(NamedTuple):
    """Latents from an approximate posterior, those of an example one after another.

    Attributes:
      latents: [B K, Z] of each layer, the one next to x first.
      log_q: [B K], log q of all layers given x; None where it is not known.
      gaussian: q(z|x) where it is a Gaussian of one layer, of B rows; None otherwise.
    """

    latents: tuple[Array, ...]
    log_q: Array | None
    gaussian: Gaussian | None = None


@dataclass(frozen=True, kw_only=True)
class Variational(Experiment):
    """Abstract: a family with latents z, p(x, z) and q(z|x), that maximises a bound on log p(x).

    A family says what it `infer`s, the `log_prior` of latents and the KL where it has a closed form; the
    likelihood is that of the output of the network in the role `decoder` at the latents next to x.

    The objective is offered, of `samples` draws K for each example: the mean of the negative
    log-likelihoods, [B]; the KL, [B], in closed form or as the mean of log q(z|x) - log p(z), and by
    dimension, [B, Z], where it has one; the log weights log p(x|z) + log p(z) - log q(z|x), [B, K], three
    times, see `genlab.objectives.bound`; x, and of the first draw the outputs and z, [B, Z], next to x;
    mean and log-variance of q(z|x), [B, Z], where it is a Gaussian of independent dimensions.

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output: `bernoulli` (of logits),
        `gaussian` or `discretized_logistic` (of means, with a `scale`).
      samples: draws of z for each example, K.
      num_classes: of the data, of which samples are drawn evenly where the decoder takes a label.
    """

    OPTIONAL_ROLES: ClassVar = ("scale",)
    OFFERS: ClassVar = {
        "objective": OFFER,
        "likelihood": ("outputs", "targets", "x", "z"),
    }

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )
    samples: Count = 1
    num_classes: Whole = 0

    def __post_init__(self) -> None:
        """Refuses a learned scale of a likelihood that has none, or whose scale is chosen."""
        name, chosen = self.likelihood, {}
        if not isinstance(name, str):
            chosen = dict(name)
            name = chosen.pop("name")
        if "scale" in self.networks:
            if "scale" not in objectives.knobs(name):
                raise InputError(
                    f"likelihood {name!r} has no scale that model.scale could learn; 'gaussian' has"
                )
            if "scale" in chosen:
                raise InputError(
                    f"likelihood {name!r} is given scale={chosen['scale']}, and model.scale learns"
                    " one; choose one of the two"
                )

    @abc.abstractmethod
    def infer(
        self, cast: Cast, draw: Draw, samples: int, at: tuple[Array, ...] | None = None
    ) -> Inferred:
        """`samples` draws from q for each example of the draw; with `at`, latents as it returns them,
        the density of these."""

    @abc.abstractmethod
    def log_prior(
        self, cast: Cast, latents: tuple[Array, ...], label: Array | None
    ) -> Array:
        """log p of latents of all layers, as `infer` draws them: [N], nats."""

    @abc.abstractmethod
    def closed_kl(self, cast: Cast, inferred: Inferred) -> tuple[Array, Array] | None:
        """KL(q(z|x) || p(z)), [B], and that of each dimension, [B, Z] or None; None for neither."""

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self._likelihood, low, high)

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        cast = Cast(self.networks, params, extra, draw.root)
        seen, told = self._seen(cast, draw, self.samples)
        kl = seen["kl"]
        metrics = {"negative_elbo": seen["reconstruction"] + kl, "unweighted_kl": kl}
        terms = self.objective_terms(draw, **self._asked_for(seen))
        return Loss(terms, cast.extra, metrics | told)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound without beta on held-out examples, [B], nats; with several samples the tighter one
        of their mean weight, too."""
        seen, _ = self._seen(Cast(self.networks, params, extra), draw, self.samples)
        reconstruction, kl = seen["reconstruction"], seen["kl"]
        tighter = iwae(seen["log_weights"]) if self.samples > 1 else {}
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            **{f"negative_{name}": values for name, values in tighter.items()},
            **target_entropy(self._likelihood, draw.batch["x"]),
        }

    def log_weights(
        self, params: PyTree, extra: PyTree, draw: Draw, samples: int
    ) -> Array:
        """log p(x, z) - log q(z|x) of draws from q(z|x): [B, samples], nats."""
        cast = Cast(self.networks, params, extra)
        inferred = self.infer(cast, draw, samples)
        weights, _ = self._weigh(cast, draw, samples, inferred.latents, inferred.log_q)
        return weights

    def draw_latents(
        self, params: PyTree, extra: PyTree, draw: Draw, samples: int
    ) -> tuple[tuple[Array, ...], Array]:
        """Draws from q(z|x), [B, samples, Z] of each layer, and log q(z|x) - log p(z), [B, samples]."""
        cast = Cast(self.networks, params, extra)
        latents, log_q, _ = self.infer(cast, draw, samples)
        label = repeated(draw.batch.get("label"), samples)
        ratio = log_q - self.log_prior(cast, latents, label)
        return jax.tree.map(lambda leaf: _each(leaf, samples), (latents, ratio))

    def _seen(
        self, cast: Cast, draw: Draw, samples: int
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """What the objective is offered, None what there is not or what it does not ask for; and the
        learned scale."""
        inferred = self.infer(cast, draw, samples)
        latents, log_q, gaussian = inferred
        weights, made = self._weigh(cast, draw, samples, latents, log_q)
        likelihoods, outputs, scale = made
        kl, by_dimension = self.closed_kl(cast.again(), inferred) or (
            jnp.mean(-weights - likelihoods, axis=1),
            None,
        )
        independent = gaussian is not None and gaussian.factor is None
        seen = {
            "reconstruction": jnp.mean(likelihoods, axis=1),
            "kl": kl,
            "kl_per_dimension": by_dimension,
            "log_weights": weights,
            "generative_log_weights": None,
            "path_log_weights": None,
            "x": draw.batch["x"],
            "outputs": _each(outputs, samples)[:, 0],
            "z": _each(latents[0], samples)[:, 0],
            "mean": gaussian.mean if independent else None,
            "log_variance": gaussian.log_variance if independent else None,
        }
        asked = needs_of(self.objective)
        if "generative_log_weights" in asked:
            held = jax.lax.stop_gradient((latents, log_q))
            seen["generative_log_weights"] = self._weigh(
                cast.again(), draw, samples, *held
            )[0]
        if "path_log_weights" in asked:
            fixed = self.infer(cast.held(), draw, samples, at=latents).log_q
            if fixed is not None:
                seen["path_log_weights"] = self._weigh(
                    cast.held(), draw, samples, latents, fixed
                )[0]
        return seen, scale

    def _weigh(
        self,
        cast: Cast,
        draw: Draw,
        samples: int,
        latents: tuple[Array, ...],
        log_q: Array,
    ) -> tuple[Array, tuple[Array, Array, dict[str, Array]]]:
        """log weights of latents, [B, samples]; negative log-likelihoods, the same, the decoder's outputs
        and the learned scale."""
        many = draw.replace(batch=repeated(draw.batch, samples))
        x, label, z = many.batch["x"], many.batch.get("label"), latents[0]
        outputs, scale = cast("decoder", z, label=label), {}
        if "scale" in cast:
            scale = {"scale": jnp.exp(cast("scale", z, label=label))}
        offered = dict(outputs=outputs, targets=x, x=x, z=z)
        likelihoods = self.ask("likelihood", many, knobs=scale, **offered)
        weights = self.log_prior(cast, latents, label) - likelihoods - log_q
        return _each(weights, samples), (_each(likelihoods, samples), outputs, scale)

    def _asked_for(self, seen: dict[str, Any]) -> dict[str, Any]:
        """What is offered, if nothing of it that the objective cannot do without lacks.

        Raises:
          InputError: something does.
        """
        for need, needed in needs_of(self.objective).items():
            if needed and need in seen and seen[need] is None:
                raise InputError(
                    f"objective {name_of(self.objective)!r} needs {need!r}, which a diagonal Gaussian"
                    " posterior and a standard normal prior have; the networks in model make others"
                )
        return seen

    def _mean(self, outputs: Array) -> Array:
        """The mean of an example under the decoder's outputs."""
        return mean_example(self._likelihood, outputs)


def _each(leaf: Array, samples: int) -> Array:
    """[B, samples, ...] of `leaf: [B samples, ...]`."""
    return leaf.reshape(-1, samples, *leaf.shape[1:])
