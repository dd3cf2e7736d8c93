"""Autoencoders whose codes a discriminator looks at: AAE, WAE, FactorVAE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.vae import OneLayer

from genlab.errors import InputError, suggest
from genlab.game import adversary, diagnostics, parallel
from genlab.game.adversary import OFFER, Judged
from genlab.game.cast import Cast
from genlab.game.experiment import Array, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import NonNegative
from genlab.registry import experiments

REFERENCES = ("prior", "permuted")
SLOT = "adversary"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class AdversarialAutoencoder(OneLayer):
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

    ROLES: ClassVar = (*OneLayer.ROLES, "discriminator")
    PLAYERS: ClassVar = ("autoencoder", "discriminator")
    OFFERS: ClassVar = {**OneLayer.OFFERS, SLOT: OFFER}

    adversary: str | Mapping = field(
        default="non_saturating", metadata={"part": "objectives"}
    )
    adversarial_weight: NonNegative = 1.0
    reference: str = "prior"

    def __post_init__(self) -> None:
        """As its parent, and refuses an unknown reference."""
        super().__post_init__()
        if self.reference not in REFERENCES:
            raise InputError(
                f"experiment.reference={self.reference!r} is unknown"
                f"{suggest(self.reference, REFERENCES)}"
            )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        groups = {
            "autoencoder": [
                one for side in self._sides(batch).values() for one in side
            ],
            "discriminator": [(self.networks["discriminator"], (z,))],
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
        cast = Cast(self.networks, params, extra, draw.root)
        seen, told = self._seen(cast, draw, self.samples)
        terms = self.objective_terms(draw, **self._asked_for(seen))
        judged, _ = self._judge(params, extra, draw, seen["z"])
        weighed, _ = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        for name, term in weighed["generator"].items():
            terms[f"{SLOT}_{name}"] = self.adversarial_weight * term
        kl = seen["kl"]
        metrics = {"negative_elbo": seen["reconstruction"] + kl, "unweighted_kl": kl}
        return Loss(terms, cast.extra, metrics | told)

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        judged, extra = self._judge(
            params, extra, draw, self._codes(params, extra, draw)
        )
        weighed, extra = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        told = diagnostics.verdicts(judged.real_logits, judged.fake_logits)
        # Log density ratio of codes and reference, where the logits are those of a cross-entropy.
        told["log_ratio"] = -judged.fake_logits
        return Loss(weighed["discriminator"], extra, told)

    def _codes(self, params: PyTree, extra: PyTree, draw: Draw) -> Array:
        """The first z of each example, as the autoencoder draws it: [B, Z]."""
        cast = Cast(self.networks, params, extra, draw.root)
        return self.infer(cast, draw, self.samples).latents[0][:: self.samples]

    def _judge(
        self, params: PyTree, extra: PyTree, draw: Draw, z: Array
    ) -> tuple[Judged, PyTree]:
        """The discriminator's verdicts on the reference and on codes `z: [B, Z]`."""
        key = draw.key("reference")
        if self.reference == "prior":
            reference = self._from_prior(params, extra, key, z.shape[0])
        else:
            reference = permuted(key, jax.lax.stop_gradient(z))
        shown = (reference,), (z,)
        return adversary.judge(
            self, "discriminator", params, extra, draw, *shown, slot=SLOT
        )


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
    parallel.need_several(every.shape[0], "a code of permuted dimensions")
    shuffled = jax.random.permutation(key, every, axis=0, independent=True)
    return parallel.local_share(shuffled)
