"""Conditional variational autoencoders of pairs: many partners of one image, such as fillings of a hole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
from genlab.shipped.experiments.translation import both_domains

from genlab.errors import InputError
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import reparameterize
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count
from genlab.objectives.divergence import gaussian_divergence
from genlab.objectives.likelihood import check_range, mean_example
from genlab.registry import experiments, objectives


@experiments.register
@dataclass(frozen=True, kw_only=True)
class ConditionalVae(Experiment):
    """An encoder q(z|x, y), a decoder p(y|x, z) and a prior p(z|x) that maximise a bound on log p(y|x).

    The encoder sees y with x as further channels, the decoder z with the numbers of x after it. Without
    a network in the optional role `prior`, an encoder of x, p(z|x) is standard normal. The objective
    is one of `reconstruction`, -log p(y|x, z), and `kl`, KL(q(z|x, y) || p(z|x)), [B] nats each:
    `elbo`.

    Attributes:
      likelihood: a registered likelihood of y given the decoder's output, `bernoulli` or `gaussian`.
      latent_dim: length of z.
      fill_only: x carries a mask as its last channel, and what a model makes of it is its own where
        that is above 1/2 and x elsewhere: completion of images with missing parts.

    Paper: Sohn, Lee & Yan 2015, NIPS 28
    """

    ROLES: ClassVar = ("encoder", "decoder")
    OPTIONAL_ROLES: ClassVar = ("prior",)
    PLAYERS: ClassVar = ("vae",)
    OFFERS: ClassVar = {
        "objective": ("reconstruction", "kl", "z", "mean", "log_variance"),
        "likelihood": ("outputs", "targets", "source"),
    }

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )
    latent_dim: Count = 20
    fill_only: bool = False

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, y = both_domains(batch)
        z = self._with(jnp.zeros((x.shape[0], self.latent_dim)), x)
        self._check(x, y, z)
        networks = [
            (self.networks["encoder"], (self._seen(x, y),)),
            (self.networks["decoder"], (z,)),
        ]
        if "prior" in self.networks:
            networks.append((self.networks["prior"], (x,)))
        return initialize(key, {"vae": networks})

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self._likelihood, low, high)

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def translate(self, params: PyTree, extra: PyTree, x: Array, key: Array) -> Array:
        """Mean of p(y|x, z): [B, H, W, C], of `x: [B, H, W, C']` and a z drawn from p(z|x) for each."""
        prior, _ = self._prior(params, extra, x)
        z = reparameterize(key, *prior)
        outputs = self.networks["decoder"](params, extra, self._with(z, x))
        return self._filled(mean_example(self._likelihood, outputs), x)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound on held-out pairs and its two parts, [B] each, nats."""
        x, y = both_domains(draw.batch)
        posterior = self.networks["encoder"](params, extra, self._seen(x, y))
        prior, _ = self._prior(params, extra, x)
        z = reparameterize(draw.key("latent"), *posterior)
        outputs = self.networks["decoder"](params, extra, self._with(z, x))
        seen = self._judged(draw, posterior, prior, z, outputs)
        bound = {name: seen[name] for name in ("reconstruction", "kl")}
        return {"negative_elbo": sum(bound.values()), **bound}

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, y = both_domains(draw.batch)
        posterior, extra = self.networks["encoder"].train(
            params, extra, self._seen(x, y), key=draw.root
        )
        prior, extra = self._prior(params, extra, x, draw.root)
        z = reparameterize(draw.key("latent"), *posterior)
        outputs, extra = self.networks["decoder"].train(
            params, extra, self._with(z, x), key=draw.root
        )
        seen = self._judged(draw, posterior, prior, z, outputs)
        metrics = {
            "negative_elbo": seen["reconstruction"] + seen["kl"],
            "unweighted_kl": seen["kl"],
        }
        return Loss(self.objective_terms(draw, **seen), extra, metrics)

    def _prior(
        self, params: PyTree, extra: PyTree, x: Array, key: Array | None = None
    ) -> tuple[tuple[Array, Array], PyTree]:
        """Mean and log-variance of p(z|x), [B, Z] each, and `extra`; of training where there is a key."""
        if "prior" not in self.networks:
            blank = jnp.zeros((x.shape[0], self.latent_dim))
            return (blank, blank), extra
        if key is None:
            return self.networks["prior"](params, extra, x), extra
        return self.networks["prior"].train(params, extra, x, key=key)

    def _judged(
        self,
        draw: Draw,
        posterior: tuple[Array, Array],
        prior: tuple[Array, Array],
        z: Array,
        outputs: Array,
    ) -> dict[str, Array]:
        """What the objective is offered."""
        x, y = both_domains(draw.batch)
        reconstruction = self.ask(
            "likelihood", draw, outputs=outputs, targets=y, source=x
        )
        mean, log_variance = posterior
        return {
            "reconstruction": reconstruction,
            "kl": gaussian_divergence(mean, log_variance, *prior),
            "z": z,
            "mean": mean,
            "log_variance": log_variance,
        }

    def _filled(self, outputs: Array, x: Array) -> Array:
        if not self.fill_only:
            return outputs
        return jnp.where(x[..., -1:] > 0.5, outputs, x[..., :-1])

    @staticmethod
    def _seen(x: Array, y: Array) -> Array:
        """What the encoder sees, [B, H, W, C + C']."""
        return jnp.concatenate([y, x], axis=-1)

    @staticmethod
    def _with(z: Array, x: Array) -> Array:
        """What the decoder sees, [B, Z + H W C']."""
        return jnp.concatenate([z, x.reshape(x.shape[0], -1)], axis=1)

    def _check(self, x: Array, y: Array, z: Array) -> None:
        """Raises InputError unless x and y are of one size, and the decoder makes what y is."""
        if x.shape[1:-1] != y.shape[1:-1]:
            raise InputError(
                f"'conditional_vae' sees y with x as further channels, and they are {y.shape[1:]}"
                f" and {x.shape[1:]}; take a degradation that keeps the size, as box_holes"
            )
        made = self.networks["decoder"].shape_of_output(z).shape
        if made != y.shape:
            raise InputError(
                f"the decoder makes images {made[1:]}, and the targets are {y.shape[1:]}; set"
                f" model.decoder.example_shape={y.shape[1:]} (image_shape of a 'conv_decoder')"
            )
        if self.fill_only and x.shape[-1] != y.shape[-1] + 1:
            raise InputError(
                f"fill_only needs a mask as the last channel of x, and examples are"
                f" {x.shape[1:]} for targets {y.shape[1:]}; data.degrade=box_holes makes one"
            )
