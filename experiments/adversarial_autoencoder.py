"""Autoencoders whose codes a discriminator looks at: AAE, WAE, FactorVAE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.posterior import (
    WithLikelihood,
    WithPosterior,
    held_out_bound,
)
from genlab.shipped.experiments.vae import reparameterize

from genlab.errors import InputError, suggest
from genlab.game import adversary, diagnostics, parallel
from genlab.game.adversary import OFFER, Judged
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import NonNegative
from genlab.objectives.divergence import gaussian_kl
from genlab.registry import experiments

REFERENCES = ("prior", "permuted")
SLOT = "adversary"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class AdversarialAutoencoder(WithLikelihood, WithPosterior, Experiment):
    """An encoder and a decoder that minimise a bound, and a discriminator of their codes.

    The discriminator tells codes z of examples, which play the fakes, from those of a reference, which
    play the real ones; the encoder is to make the two alike. The reference `prior` draws the aggregate
    posterior q(z) to p(z), as AAE and WAE do in the place of the KL of each example (the objective
    `elbo` with `beta=0.0`). The reference `permuted` has each latent of another example of the
    batch: with the adversary `log_ratio` the encoder then pays an estimate of the total correlation
    of q(z), FactorVAE's beside the ELBO.

    The autoencoder moves first, the discriminator on the codes of the same draw. An encoder without
    noise is a code encoder inside the model `deterministic`.

    Attributes:
      adversary: a registered adversarial objective of the two.
      adversarial_weight: of the encoder's terms of it, gamma of FactorVAE and lambda of WAE.
      reference: `prior` or `permuted`.

    Papers: Makhzani et al. 2015, arXiv:1511.05644; Tolstikhin et al. 2018, arXiv:1711.01558; Kim &
      Mnih 2018, arXiv:1802.05983
    """

    DECODER: ClassVar = "decoder"
    ROLES: ClassVar = ("encoder", "decoder", "discriminator")
    PLAYERS: ClassVar = ("autoencoder", "discriminator")
    OFFERS: ClassVar = {
        "objective": (
            *("reconstruction", "kl", "x", "outputs"),
            *("z", "mean", "log_variance"),
        ),
        "likelihood": WithLikelihood.LIKELIHOOD,
        SLOT: OFFER,
    }

    adversary: str | Mapping = field(
        default="non_saturating", metadata={"part": "objectives"}
    )
    adversarial_weight: NonNegative = 1.0
    reference: str = "prior"

    def __post_init__(self) -> None:
        """Refuses an unknown reference."""
        if self.reference not in REFERENCES:
            raise InputError(
                f"experiment.reference={self.reference!r} is unknown"
                f"{suggest(self.reference, REFERENCES)}"
            )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        encoder, decoder, discriminator = (self.networks[role] for role in self.ROLES)
        groups = {
            "autoencoder": [(encoder, (batch["x"],)), (decoder, (z,))],
            "discriminator": [(discriminator, (z,))],
        }
        return initialize(key, groups, batch.get("label"))

    def players(self) -> dict[str, Player]:
        losses = {
            "autoencoder": self._autoencoder_loss,
            "discriminator": self._discriminator_loss,
        }
        return {
            name: Player(loss, self.optimizers[name]) for name, loss in losses.items()
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("autoencoder"), Turn("discriminator", fresh=False))

    def _autoencoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = draw.batch["x"]
        known = {"key": draw.root, "label": draw.batch.get("label")}
        posterior, z, extra = self._codes(params, extra, draw)
        outputs, extra = self.networks["decoder"].train(params, extra, z, **known)
        reconstruction = self.unlikeliness(draw, outputs, x, z)
        kl = gaussian_kl(*posterior)
        seen = {"reconstruction": reconstruction, "kl": kl, "x": x, "outputs": outputs}
        seen |= {"z": z, "mean": posterior[0], "log_variance": posterior[1]}
        terms = self.objective_terms(draw, **seen)
        judged, _ = self._judge(params, extra, draw, z)
        weighed, _ = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        for name, term in weighed["generator"].items():
            terms[f"{SLOT}_{name}"] = self.adversarial_weight * term
        metrics = {"negative_elbo": reconstruction + kl, "unweighted_kl": kl}
        return Loss(terms, extra, metrics)

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        _, z, _ = self._codes(params, extra, draw)
        judged, extra = self._judge(params, extra, draw, z)
        weighed, extra = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        told = diagnostics.verdicts(judged.real_logits, judged.fake_logits)
        # Log density ratio of codes and reference, where the logits are those of a cross-entropy.
        told["log_ratio"] = -judged.fake_logits
        return Loss(weighed["discriminator"], extra, told)

    def _codes(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[tuple[Array, Array], Array, PyTree]:
        """Mean and log-variance of q(z|x), z drawn from it, and `extra` with the encoder's variables
        renewed."""
        known = {"key": draw.root, "label": draw.batch.get("label")}
        posterior, extra = self.networks["encoder"].train(
            params, extra, draw.batch["x"], **known
        )
        return posterior, reparameterize(draw.key("latent"), *posterior), extra

    def _judge(
        self, params: PyTree, extra: PyTree, draw: Draw, z: Array
    ) -> tuple[Judged, PyTree]:
        """The discriminator's verdicts on the reference and on codes `z: [B, Z]`."""
        key = draw.key("reference")
        if self.reference == "prior":
            reference = self.latents(key, z.shape[0])
        else:
            reference = permuted(key, jax.lax.stop_gradient(z))
        shown = (reference,), (z,)
        return adversary.judge(
            self, "discriminator", params, extra, draw, *shown, slot=SLOT
        )

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound and its parts on held-out examples, [B] nats each, and the logit of the
        discriminator for their codes turned round, which after a cross-entropy is the log density ratio of
        codes and reference, [B] nats: with permuted codes its mean estimates the total correlation."""
        values, _ = held_out_bound(self, params, extra, draw)
        x, label = draw.batch["x"], draw.batch.get("label")
        z = reparameterize(draw.key("latent"), *self.posterior(params, extra, x, label))
        verdict = self.networks["discriminator"](params, extra, z, label=label)
        return values | {"log_ratio": -adversary.logits_of(verdict)}


def permuted(key: Array, z: Array) -> Array:
    """Each latent of another example: every column of the global batch in an order of its own.

    Args:
      key: of the orders.
      z: [B, Z], this device's codes.

    Returns:
      [B, Z], whose columns are independent draws of the marginals of q(z).

    Paper: Kim & Mnih 2018, arXiv:1802.05983, algorithm 1
    """
    every = parallel.gather_batch(z)
    shuffled = jax.random.permutation(key, every, axis=0, independent=True)
    return parallel.local_share(shuffled)
