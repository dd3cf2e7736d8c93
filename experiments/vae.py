"""Variational autoencoders with one layer of latents."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from genlab.shipped.experiments.amortized import Amortized
from genlab.shipped.experiments.variational import Inferred

from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.experiment import Array, PyTree
from genlab.game.gaussian import (
    Gaussian,
    Mixture,
    repeated,
    standard_normal_log_prob,
)
from genlab.game.network import Network, initialize
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count
from genlab.objectives.divergence import full_gaussian_kl, gaussian_kl_per_dimension
from genlab.part import name_of
from genlab.registry import experiments


@dataclass(frozen=True, kw_only=True)
class OneLayer(FromPrior, Amortized):
    """Abstract: an encoder q(z|x) and a decoder p(x|z), whoever moves them.

    q(z|x) is the Gaussian that the encoder gives, of independent dimensions or with a full covariance;
    z is drawn by reparameterisation. p(z) is the standard normal.

    Networks that take the label of an example are given it, `conditional` those of any kind.

    Networks in optional roles:
      scale: gives the logarithm of the likelihood's scale for z. `shared_scale` learns one for all
        pixels, a decoder one for each. A scale that is fixed weighs reconstruction against KL as beta
        does, and at 1 little is left of the KL of pixels in [0, 1].
      flow: makes of draws of the Gaussian those of a richer q(z|x), `planar_flow` or
        `inverse_autoregressive_flow`, from what the encoder's last layer sees, its method `features`.
      prior: a mixture in the place of the standard normal, `mixture_prior` or `vamp_prior`.

    Attributes:
      latent_dim: length of z.
    """

    DECODER: ClassVar = "decoder"
    ROLES: ClassVar = ("encoder", "decoder")
    OPTIONAL_ROLES: ClassVar = ("scale", "flow", "prior")

    latent_dim: Count = 20

    def __post_init__(self) -> None:
        """As its parent, and refuses a flow that would see nothing of the example."""
        super().__post_init__()
        encoder = self.networks["encoder"].module
        if "flow" in self.networks and not hasattr(encoder, "features"):
            raise InputError(
                "model.flow needs an encoder with a method 'features', such as 'mlp_encoder';"
                f" {name_of(encoder)!r} has none"
            )

    def _sides(
        self, batch: dict[str, Array]
    ) -> dict[str, list[tuple[Network, tuple[Array, ...]]]]:
        """The networks of q and those of p, each with example inputs."""
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        blank = lambda x: (jnp.zeros((x.shape[0], self.latent_dim)),) * 2
        inputs = {
            "encoder": {"encoder": (batch["x"],)},
            "decoder": {"decoder": (z,), "scale": (z,), "prior": (blank,)},
        }
        if "flow" in self.networks:
            seen = self.networks["encoder"].shape_of_output(
                batch["x"], label=batch.get("label"), method="features"
            )
            inputs["encoder"]["flow"] = (z, jnp.zeros(seen.shape))
        return {
            side: [
                (self.networks[role], seen)
                for role, seen in roles.items()
                if role in self.networks
            ]
            for side, roles in inputs.items()
        }

    def infer(
        self, cast: Cast, draw: Draw, samples: int, at: tuple[Array, ...] | None = None
    ) -> Inferred:
        x, label = draw.batch["x"], draw.batch.get("label")
        gaussian = self.encoded(cast, draw)
        if at is not None:
            known = "flow" not in cast
            log_q = repeated(gaussian, samples).log_prob(at[0]) if known else None
            return Inferred(at, log_q)
        z, log_q = gaussian.draw(draw.key("latent"), samples)
        if "flow" not in cast:
            return Inferred((z,), log_q, gaussian)
        seen = cast.again()("encoder", x, label=label, method="features")
        z, stretched = cast("flow", z, repeated(seen, samples))
        return Inferred((z,), log_q - stretched)

    def log_prior(
        self, cast: Cast, latents: tuple[Array, ...], label: Array | None
    ) -> Array:
        del label
        if "prior" not in cast:
            return standard_normal_log_prob(latents[0])
        return _learned_prior(cast).log_prob(latents[0])

    def closed_kl(
        self, cast: Cast, inferred: Inferred
    ) -> tuple[Array, Array | None] | None:
        gaussian = inferred.gaussian
        if gaussian is None or "prior" in cast:
            return None
        parameters = gaussian.mean, gaussian.log_variance
        if gaussian.factor is not None:
            return full_gaussian_kl(*parameters, gaussian.factor), None
        by_dimension = gaussian_kl_per_dimension(*parameters)
        return jnp.sum(by_dimension, axis=-1), by_dimension

    def learned_prior(self, params: PyTree, extra: PyTree) -> Mixture | None:
        """The mixture that codes are drawn from, None where they are standard normal."""
        cast = Cast(self.networks, params, extra)
        return _learned_prior(cast) if "prior" in cast else None

    def posterior(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> tuple[Array, ...]:
        """Mean and log-variance of q(z|x): `[B, latent_dim]` each of `x: [B, ...]`, and the factor of
        its covariance, see `Gaussian`, where that is full; here and below with `label: [B]` where a
        network takes one.

        Raises:
          InputError: q(z|x) is no Gaussian, but what a flow makes of one.
        """
        if "flow" in self.networks:
            raise InputError(
                "with model.flow, q(z|x) is no Gaussian, which has a mean and a log-variance; the"
                " metric 'latent_use' draws from any posterior"
            )
        return self.networks["encoder"](params, extra, x, label=label)

    def encode(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of q(z|x), or where a flow takes that of the Gaussian before it: `[B, latent_dim]` of
        `x: [B, ...]`."""
        encoder = self.networks["encoder"]
        mean = encoder(params, extra, x, label=label)[0]
        if "flow" not in self.networks:
            return mean
        seen = encoder(params, extra, x, label=label, method="features")
        return self.networks["flow"](params, extra, mean, seen)[0]

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z): `[B, ...]` of `z: [B, latent_dim]`."""
        return self._mean(self.networks["decoder"](params, extra, z, label=label))

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z) at what `encode` gives: `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Vae(OneLayer):
    """An encoder q(z|x) and a decoder p(x|z) that together maximise a bound on log p(x).

    q(z|x) is a Gaussian, p(z) the standard normal; `scale`, `flow` and `prior` are optional networks, of
    the likelihood's scale, of richer posteriors and of learned priors. What the objective is offered is
    said in `genlab.shipped.experiments.variational`.

    Papers: Kingma & Welling 2014, arXiv:1312.6114; with labels: Sohn, Lee & Yan 2015, NIPS 28;
      the learned scale: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202; flows: Rezende & Mohamed
      2015, arXiv:1505.05770; priors: Tomczak & Welling 2018, arXiv:1705.07120
    """

    PLAYERS: ClassVar = ("vae",)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        networks = [one for side in self._sides(batch).values() for one in side]
        return initialize(key, {"vae": networks}, batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)


@experiments.register
@dataclass(frozen=True, kw_only=True)
class SplitVae(OneLayer):
    """A VAE whose encoder and decoder are two players, each with a bound and an optimizer of its own.

    An objective that returns terms of both, as `piwae` does, gives each its own; any other is minimised
    by both. The decoder, with scale and prior, moves first, then the encoder, with the flow, on the same
    draw.

    Paper: Rainforth et al. 2018, arXiv:1802.04537
    """

    PLAYERS: ClassVar = ("encoder", "decoder")

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        return initialize(key, self._sides(batch), batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {
            name: Player(self._loss_of(name), self.optimizers[name])
            for name in self.PLAYERS
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("decoder"), Turn("encoder", fresh=False))

    def _loss_of(self, player: str):
        def loss(params: PyTree, extra: PyTree, draw: Draw) -> Loss:
            found = self._loss(params, extra, draw)
            both = {*found.terms} == {*self.PLAYERS}
            return found.replace(terms=found.terms[player] if both else found.terms)

        return loss


def _learned_prior(cast: Cast) -> Mixture:
    """What the network in the role `prior` makes of the encoder."""
    encode = lambda x: cast.again()("encoder", x)
    log_weights, *parts = cast("prior", encode)
    return Mixture(log_weights, Gaussian(*parts))
