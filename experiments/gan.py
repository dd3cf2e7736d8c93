"""Generative adversarial networks: a generator against a discriminator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.game.adversary import OFFER, Terms, compare
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, Whole
from genlab.registry import experiments


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Gan(FromPrior, Experiment):
    """A generator maps noise to examples that a discriminator cannot tell from data.

    Real and generated examples go through the discriminator as two batches (batch normalisation
    sees them apart), and the generator moves on the noise that the discriminator saw last.

    Networks that take the label of an example are given it: with both of them such, `conditional`, the
    game is a conditional one.

    Attributes:
      latent_dim: length of the standard normal noise z.
      n_critic: moves of the discriminator in a round, each on a fresh batch.
      penalty: a registered penalty that the discriminator minimises beside the objective, chosen
        as `dict(name="r1", weight=...)`, or a list of several.
      num_classes: of the data, of which samples are drawn evenly where the generator takes a label.

    Papers: Goodfellow et al. 2014, arXiv:1406.2661; conditional: Mirza & Osindero 2014,
      arXiv:1411.1784
    """

    DECODER: ClassVar = "generator"
    ROLES: ClassVar = ("generator", "discriminator")
    PLAYERS: ClassVar = ("generator", "discriminator")
    OFFERS: ClassVar = {
        "objective": OFFER,
        "penalty": ("critic", "real", "fake", "generator"),
    }

    latent_dim: Count = 100
    n_critic: Count = 1
    penalty: str | Mapping | Sequence[str | Mapping] | None = field(
        default=None, metadata={"part": "objectives", "several": True}
    )
    num_classes: Whole = 0

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        return initialize(
            key,
            {
                "generator": [(self.networks["generator"], (z,))],
                "discriminator": [(self.networks["discriminator"], (batch["x"],))],
            },
            batch.get("label"),
        )

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self._generator_loss, self.optimizers["generator"]),
            "discriminator": Player(
                self._discriminator_loss, self.optimizers["discriminator"]
            ),
        }

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn("discriminator", repeats=self.n_critic),
            Turn("generator", fresh=False),
        )

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, _ = self._generate(params, extra, draw)
        fake = jax.lax.stop_gradient(fake)
        terms, renewed = self._compare(params, extra, draw, fake)

        def seen_by(role: str) -> Callable[[Array], Array]:
            network, label = self.networks[role], draw.batch.get("label")
            known = {"key": draw.key("penalty"), "label": label}
            return lambda x: network.train(params, extra, x, **known)[0]

        penalties = self.terms(
            "penalty",
            draw,
            critic=seen_by("discriminator"),
            generator=seen_by("generator"),
            real=draw.batch["x"],
            fake=fake,
        )
        return Loss(terms["discriminator"] | penalties, renewed)

    def _generator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, generated = self._generate(params, extra, draw)
        terms, _ = self._compare(params, extra, draw, fake)
        return Loss(terms["generator"], generated)

    def _generate(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[Array, PyTree]:
        """Fakes for the draw, `[B, ...]`, and `extra` with the generator's variables renewed."""
        count = draw.batch["x"].shape[0]
        z = rng.normal(draw.key("latent"), (count, self.latent_dim))
        label = draw.batch.get("label")
        return self.networks["generator"].train(
            params, extra, z, key=draw.root, label=label
        )

    def _compare(
        self, params: PyTree, extra: PyTree, draw: Draw, fake: Array
    ) -> tuple[Terms, PyTree]:
        real = draw.batch["x"]
        return compare(self, "discriminator", params, extra, draw, (real,), (fake,))

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """G(z) of `z: [B, latent_dim]`, and of `label: [B]` where the generator takes one."""
        return self.networks["generator"](params, extra, z, label=label)
