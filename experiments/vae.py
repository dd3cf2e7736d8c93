"""Variational autoencoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Draw, Experiment, Loss, Player, PyTree, Turn
from genlab.game.network import initialize
from genlab.numbers import Count
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.registry import experiments, objectives


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Vae(Experiment):
    """An encoder q(z|x) and a decoder p(x|z) that together maximise a bound on log p(x).

    q(z|x) is a diagonal Gaussian, p(z) the standard normal; one z is drawn per example by
    reparameterisation. The objective takes the negative log-likelihood and the KL, [B] each.

    A network in the optional role `scale` gives the logarithm of the likelihood's scale for z:
    `shared_scale` learns one for all pixels, a decoder one for each. A scale that is fixed weighs
    reconstruction against KL as beta does, and at 1 little is left of the KL of pixels in [0, 1].

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output: `bernoulli` (of logits)
        or `gaussian` (of means, with a `scale`).
      latent_dim: length of z.

    Papers: Kingma & Welling 2014, arXiv:1312.6114; the learned scale: Rybkin, Daniilidis & Levine
      2021, arXiv:2006.13202
    """

    ROLES: ClassVar = ("encoder", "decoder")
    OPTIONAL_ROLES: ClassVar = ("scale",)
    PLAYERS: ClassVar = ("vae",)

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )
    latent_dim: Count = 20

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

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        of_z = [
            (self.networks[role], (z,))
            for role in ("decoder", "scale")
            if role in self.networks
        ]
        encoder = (self.networks["encoder"], (batch["x"],))
        return initialize(key, {"vae": [encoder, *of_z]})

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

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, key = draw.batch["x"], draw.root
        posterior, extra = self.networks["encoder"].train(params, extra, x, key=key)
        z = reparameterize(draw.key("latent"), *posterior)
        outputs, extra = self.networks["decoder"].train(params, extra, z, key=key)
        scale = {}
        if "scale" in self.networks:
            log, extra = self.networks["scale"].train(params, extra, z, key=key)
            scale = {"scale": jnp.exp(log)}
        reconstruction = self._likelihood(outputs, x, **scale)
        kl = gaussian_kl(*posterior)
        return Loss(
            self.objective(reconstruction, kl),
            extra,
            {"negative_elbo": reconstruction + kl, "unweighted_kl": kl, **scale},
        )

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound without beta on held-out examples, one z each: [B], nats."""
        x = draw.batch["x"]
        posterior = self.posterior(params, extra, x)
        z = reparameterize(draw.key("latent"), *posterior)
        outputs = self.networks["decoder"](params, extra, z)
        scale = {}
        if "scale" in self.networks:
            scale = {"scale": jnp.exp(self.networks["scale"](params, extra, z))}
        reconstruction = self._likelihood(outputs, x, **scale)
        kl = gaussian_kl(*posterior)
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            **target_entropy(self._likelihood, x),
        }

    def posterior(self, params: PyTree, extra: PyTree, x: Array) -> tuple[Array, Array]:
        """Mean and log-variance of q(z|x): `[B, latent_dim]` each of `x: [B, ...]`."""
        return self.networks["encoder"](params, extra, x)

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean of q(z|x): `[B, latent_dim]` of `x: [B, ...]`."""
        return self.posterior(params, extra, x)[0]

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """Mean of p(x|z): `[B, ...]` of `z: [B, latent_dim]`."""
        outputs = self.networks["decoder"](params, extra, z)
        return mean_example(self._likelihood, outputs)

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean of p(x|z) at the mean of q(z|x): `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x))

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Means of p(x|z) at `num` draws of z from the prior: `[num, ...]`."""
        return self.decode(params, extra, rng.normal(key, (num, self.latent_dim)))


def reparameterize(key: Array, mean: Array, log_variance: Array) -> Array:
    """z = mean + exp(log_variance / 2) * epsilon, epsilon ~ N(0, I): `[B, Z]` each."""
    return mean + jnp.exp(0.5 * log_variance) * rng.normal(key, mean.shape)
