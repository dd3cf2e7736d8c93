"""BicycleGAN: many outputs for one input, told apart by a latent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.translation import DISTANCE, both_domains, check_range

from genlab.game import memory, rng
from genlab.game.adversary import OFFER, PAID_FOR
from genlab.game.comparison import compare, compare_and_pay
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import reparameterize
from genlab.game.network import initialize
from genlab.game.slots import Parts, several
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, NonNegative
from genlab.objectives.divergence import gaussian_kl
from genlab.registry import experiments


@experiments.register
@dataclass(frozen=True, kw_only=True)
class BicycleGan(Experiment):
    """A generator G(x, z), an encoder E(y) of the latent, and a discriminator of pairs.

    Two cycles share the networks. From the target: z is drawn from E(y), and G(x, z) is to be y. From
    the latent: z is standard normal, and E is to find it again in G(x, z); this term moves G alone,
    so that the encoder cannot hide z in what it reads. One discriminator judges both outputs.

    Attributes:
      latent_dim: length of z.
      reconstruction: a registered distance of G(x, E(y)) from y, `dict(name="l1", weight=10.0)`.
      kl_weight: of KL(E(y) || N(0, I)), nats.
      latent_weight: of the mean absolute difference of z from the mean of E(G(x, z)).
      adversarial_weight: of the generator's adversarial terms. The published least squares have no
        half, the objective `least_squares` has one: 2.0 there is the published 1; 1.0 with
        `non_saturating` and others.
      discriminator_weight: of the discriminator's terms, not halved in this paper: 2.0 with
        `least_squares`, 1.0 with others.
      penalty: a registered penalty that the discriminator pays for each of both outputs, not weighed by
        `discriminator_weight`, or a list; of the output, whose input is held fixed.
      augment: a registered corruption, or a list, of all that the discriminator is shown, input and output
        alike, in the losses of both players.

    Paper: Zhu et al. 2017, arXiv:1711.11586
    """

    ROLES: ClassVar = ("generator", "encoder", "discriminator")
    PLAYERS: ClassVar = ("translator", "discriminator")
    OFFERS: ClassVar = {
        "objective": OFFER,
        "penalty": (*PAID_FOR, "memory"),
        "augment": ("x", "memory"),
        "reconstruction": DISTANCE,
    }

    latent_dim: Count = 8
    reconstruction: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    kl_weight: NonNegative = 0.01
    latent_weight: NonNegative = 0.5
    adversarial_weight: NonNegative = 1.0
    discriminator_weight: NonNegative = 1.0
    penalty: Parts = field(
        default=None, metadata=several("objectives", "discriminator")
    )
    augment: Parts = field(
        default=None, metadata=several("corruptions", "discriminator")
    )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, y = both_domains(batch)
        z = jnp.zeros((x.shape[0], self.latent_dim))
        generator, encoder, discriminator = (self.networks[role] for role in self.ROLES)
        return initialize(
            key,
            {
                "translator": [(generator, (x, z)), (encoder, (y,))],
                "discriminator": [(discriminator, (x, y))],
            },
            batch.get("label"),
        )

    def players(self) -> dict[str, Player]:
        return {
            "translator": Player(self._translator_loss, self.optimizers["translator"]),
            "discriminator": Player(
                self._discriminator_loss, self.optimizers["discriminator"]
            ),
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("discriminator"), Turn("translator", fresh=False))

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError unless images are in [-1, 1]."""
        check_range(low, high)

    def translate(self, params: PyTree, extra: PyTree, x: Array, key: Array) -> Array:
        """G(x, z): [B, H, W, C], of `x: [B, H, W, C']` and a z drawn for each example."""
        z = rng.normal(key, (x.shape[0], self.latent_dim))
        return self._generate(params, extra, x, z, key)[0]

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Mean absolute difference of G(x, z) from the true partner, [B] each, in the unit of the
        data: z from the prior, and z the mean of E(y)."""
        x, y = draw.batch["x"], draw.batch["y"]
        mean, _ = self.networks["encoder"](params, extra, y)
        guided, _ = self._generate(params, extra, x, mean, draw.root)
        drawn = self.translate(params, extra, x, draw.key("translate"))
        return {
            "l1": jnp.mean(jnp.abs(drawn - y), axis=(1, 2, 3)),
            "l1_encoded": jnp.mean(jnp.abs(guided - y), axis=(1, 2, 3)),
        }

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        _, fakes, _ = self._outputs(params, extra, draw)
        terms = {}
        for name, fake in fakes.items():
            pairs = self._pairs(draw, jax.lax.stop_gradient(fake))
            compared, paid, extra = compare_and_pay(
                *(self, "discriminator", params, extra, draw), *pairs, which=f"_{name}"
            )
            for term, values in compared["discriminator"].items():
                terms[f"{term}_{name}"] = self.discriminator_weight * values
            terms |= {f"{term}_{name}": values for term, values in paid.items()}
        return Loss(terms, extra, memory.numbers(extra))

    def _translator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        latents, fakes, renewed = self._outputs(params, extra, draw)
        terms = {}
        for name, fake in fakes.items():
            compared, _ = compare(
                *(self, "discriminator", params, extra, draw),
                *self._pairs(draw, fake),
                which=f"_{name}",
            )
            for term, values in compared["generator"].items():
                terms[f"{term}_{name}"] = self.adversarial_weight * values
        terms |= self.terms(
            "reconstruction",
            draw,
            outputs=fakes["encoded"],
            targets=draw.batch["y"],
            source=draw.batch["x"],
        )
        kl = gaussian_kl(latents["mean"], latents["log_variance"])
        terms["kl"] = self.kl_weight * kl
        found, _ = self.networks["encoder"].train(
            jax.lax.stop_gradient(params), renewed, fakes["drawn"], key=draw.key("find")
        )
        gap = jnp.mean(jnp.abs(found[0] - latents["drawn"]), axis=-1)
        terms["latent"] = self.latent_weight * gap
        return Loss(terms, renewed, {"unweighted_kl": kl})

    def _outputs(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[dict[str, Array], dict[str, Array], PyTree]:
        """Latents, G(x, z) for z `encoded` from y and `drawn` from the prior, and `extra`."""
        x, y = draw.batch["x"], draw.batch["y"]
        (mean, log_variance), extra = self.networks["encoder"].train(
            params, extra, y, key=draw.root
        )
        encoded = reparameterize(draw.key("latent"), mean, log_variance)
        drawn = rng.normal(draw.key("prior"), encoded.shape)
        fakes = {}
        for name, z in (("encoded", encoded), ("drawn", drawn)):
            fakes[name], extra = self._generate(params, extra, x, z, draw.key(name))
        latents = {"mean": mean, "log_variance": log_variance, "drawn": drawn}
        return latents, fakes, extra

    def _generate(
        self, params: PyTree, extra: PyTree, x: Array, z: Array, key: Array
    ) -> tuple[Array, PyTree]:
        return self.networks["generator"].train(params, extra, x, z, key=key)

    def _pairs(
        self, draw: Draw, fake: Array
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """What the discriminator looks at of real pairs and of generated ones."""
        x, y = draw.batch["x"], draw.batch["y"]
        return (x, y), (x, fake)
