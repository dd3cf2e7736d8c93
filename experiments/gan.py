"""Generative adversarial networks: a generator against a discriminator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.game import adversary, diagnostics, memory, replay, rng
from genlab.game.adversary import OFFER, Judged
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.game.unroll import moved_ahead
from genlab.numbers import Count, Fraction, Positive, Whole
from genlab.registry import experiments

# To a penalty of either player, beside what it remembers.
PAID_FOR = (
    *("critic", "real", "fake", "generator", "latent"),
    *("real_logits", "fake_logits", "parameters", "memory"),
)
Parts = str | Mapping | Sequence[str | Mapping] | None


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
      generator_steps: moves of the generator in a round, the first on the batch that the discriminator
        saw last, every other on a fresh one.
      penalty: a registered penalty that the discriminator minimises beside the objective, chosen
        as `dict(name="r1", weight=...)`, or a list of several.
      generator_penalty: the same of the generator.
      augment: a registered corruption, or a list, of all that the discriminator is shown, real and
        generated, in the losses of both players: `diff_augment`, `ada`, or `gaussian_noise`, with a
        schedule for its `std`, as instance noise. Penalties see the discriminator behind it.
      pool: fakes that are kept for the discriminator: with probability 1/2 it sees one of them in the place
        of a fresh one; 0 keeps none.
      flip_labels: probability that the discriminator takes a real example and a fake for each other;
        None for never.
      top_k: share of its fakes, those with the highest logits, that the generator learns from;
        None for all.
      unrolled_steps: gradient steps of the discriminator, on the same draw, that the generator's loss
        looks ahead and through.
      unrolled_rate: learning rate of these.
      num_classes: of the data, of which samples are drawn evenly where the generator takes a label.

    Papers: Goodfellow et al. 2014, arXiv:1406.2661; conditional: Mirza & Osindero 2014,
      arXiv:1411.1784; pool: Shrivastava et al. 2017, arXiv:1612.07828; top-k: Sinha et al. 2020,
      arXiv:2002.06224; unrolled: Metz et al. 2017, arXiv:1611.02163; instance noise: Sonderby et al.
      2017, arXiv:1610.04490
    """

    DECODER: ClassVar = "generator"
    ROLES: ClassVar = ("generator", "discriminator")
    PLAYERS: ClassVar = ("generator", "discriminator")
    OFFERS: ClassVar = {
        "objective": (*OFFER, "memory"),
        "penalty": PAID_FOR,
        "generator_penalty": PAID_FOR,
        "augment": ("x", "memory"),
    }

    latent_dim: Count = 100
    n_critic: Count = 1
    generator_steps: Count = 1
    penalty: Parts = field(
        default=None,
        metadata={"part": "objectives", "several": True, "player": "discriminator"},
    )
    generator_penalty: Parts = field(
        default=None,
        metadata={"part": "objectives", "several": True, "player": "generator"},
    )
    augment: Parts = field(
        default=None,
        metadata={"part": "corruptions", "several": True, "player": "discriminator"},
    )
    pool: Whole = 0
    flip_labels: Fraction | None = None
    top_k: Fraction | None = None
    unrolled_steps: Whole = 0
    unrolled_rate: Positive = 0.1
    num_classes: Whole = 0

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        params, extra = initialize(
            key,
            {
                "generator": [(self.networks["generator"], (z,))],
                "discriminator": [(self.networks["discriminator"], (batch["x"],))],
            },
            batch.get("label"),
        )
        if self.pool:
            stored = {key: batch[key] for key in ("x", "label") if key in batch}
            extra["pool"] = {"fake": replay.empty_pool(self.pool, stored)}
        return params, extra

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self._generator_loss, self.optimizers["generator"]),
            "discriminator": Player(
                self._discriminator_loss, self.optimizers["discriminator"]
            ),
        }

    def turns(self) -> tuple[Turn, ...]:
        turns = (
            Turn("discriminator", repeats=self.n_critic),
            Turn("generator", fresh=False),
        )
        if self.generator_steps == 1:
            return turns
        return (*turns, Turn("generator", repeats=self.generator_steps - 1))

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, _ = self._generate(params, extra, draw)
        fake, label, extra = self._from_pool(extra, draw, jax.lax.stop_gradient(fake))
        terms, renewed, judged = self._discriminator_terms(
            params, extra, draw, fake, label
        )
        told = diagnostics.verdicts(judged.real_logits, judged.fake_logits)
        return Loss(terms, renewed, told | memory.numbers(renewed))

    def _generator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, renewed = self._generate(params, extra, draw)
        label = draw.batch.get("label")
        if self.unrolled_steps:
            params = self._looking_ahead(params, extra, draw, fake, label)
        judged, seen = self._judge(params, extra, draw, fake, label)
        terms = adversary.weigh(self, seen, draw, judged)[0]["generator"]
        if self.top_k is not None:
            terms = adversary.of_the_best(terms, judged.fake_logits, self.top_k)
        penalties, renewed = self._penalties(
            "generator", params, renewed, draw, judged, fake
        )
        told = diagnostics.spread(draw.batch["x"], fake)
        return Loss(terms | penalties, renewed, told)

    def _discriminator_terms(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        fake: Array,
        label: Array | None,
    ) -> tuple[dict[str, Array], PyTree, Judged]:
        """What the discriminator minimises where it is shown `fake: [B, ...]` with its `label`,
        `extra` after that, and its verdicts."""
        judged, extra = self._judge(params, extra, draw, fake, label)
        believed = judged
        if self.flip_labels is not None:
            believed = judged.flipped(draw.key("flip"), self.flip_labels)
        terms, extra = adversary.weigh(self, extra, draw, believed)
        penalties, extra = self._penalties(
            "discriminator", params, extra, draw, judged, fake
        )
        extra = adversary.adapt(self, extra, draw, judged.real_logits)
        return terms["discriminator"] | penalties, extra, judged

    def _latent(self, draw: Draw) -> Array:
        """What the generator makes the fakes of a draw of, `[B, latent_dim]`."""
        count = draw.batch["x"].shape[0]
        return rng.normal(draw.key("latent"), (count, self.latent_dim))

    def _generate(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[Array, PyTree]:
        """Fakes for the draw, `[B, ...]`, and `extra` with the generator's variables renewed."""
        label = draw.batch.get("label")
        return self.networks["generator"].train(
            params, extra, self._latent(draw), key=draw.root, label=label
        )

    def _from_pool(
        self, extra: PyTree, draw: Draw, fake: Array
    ) -> tuple[Array, Array | None, PyTree]:
        """Fakes that the discriminator sees, with the labels they were made of, and `extra`."""
        label = draw.batch.get("label")
        if not self.pool:
            return fake, label, extra
        fresh = {"x": fake} if label is None else {"x": fake, "label": label}
        held, shown = replay.exchange(extra["pool"]["fake"], fresh, draw.key("pool"))
        return shown["x"], shown.get("label"), {**extra, "pool": {"fake": held}}

    def _judge(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        fake: Array,
        label: Array | None,
    ) -> tuple[Judged, PyTree]:
        """The discriminator's verdicts on the real examples of the draw and on fakes."""
        show = lambda which, x: adversary.show(self, extra, draw, which, x)
        shown = (show("real", draw.batch["x"]),), (show("fake", fake),)
        return adversary.judge(
            *(self, "discriminator", params, extra, draw, *shown), fake_label=label
        )

    def _looking_ahead(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        fake: Array,
        label: Array | None,
    ) -> PyTree:
        """Parameters with those of the discriminator after its next steps, as a function of the fakes."""

        def loss(own: PyTree) -> Array:
            seen = {**params, "discriminator": own}
            terms, _, _ = self._discriminator_terms(seen, extra, draw, fake, label)
            return sum(map(jnp.mean, terms.values()))

        own = moved_ahead(
            loss, params["discriminator"], self.unrolled_steps, self.unrolled_rate
        )
        return {**params, "discriminator": own}

    def _penalties(
        self,
        player: str,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        judged: Judged,
        fake: Array,
    ) -> tuple[dict[str, Array], PyTree]:
        """What a player pays beside the objective, and `extra` with what its penalties remember."""
        slot = {"discriminator": "penalty", "generator": "generator_penalty"}[player]
        call = lambda role: self._as_function(role, params, extra, draw)
        show = lambda x: adversary.show(self, extra, draw, "penalty", x)
        discriminator = call("discriminator")
        return self.recall_terms(
            slot,
            draw,
            extra,
            critic=lambda x: discriminator(show(x)),
            generator=call("generator"),
            parameters=params[player],
            real=draw.batch["x"],
            fake=fake,
            real_logits=judged.real_logits,
            fake_logits=judged.fake_logits,
            latent=self._latent(draw),
        )

    def _as_function(
        self, role: str, params: PyTree, extra: PyTree, draw: Draw
    ) -> Callable[..., Array]:
        """A network as a function that draws the same at every call and renews nothing."""
        known = {"key": draw.key("penalty"), "label": draw.batch.get("label")}
        network = self.networks[role]
        return lambda x, **how: network.train(params, extra, x, **how, **known)[0]

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """G(z) of `z: [B, latent_dim]`, and of `label: [B]` where the generator takes one."""
        return self.networks["generator"](params, extra, z, label=label)

    def alarms(self, means: Mapping[str, float]) -> tuple[str, ...]:
        """What is wrong by the means of a line of the log: a generator that has collapsed."""
        return diagnostics.alarms(means)
