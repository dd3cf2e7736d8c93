"""Generative adversarial networks: a generator against a discriminator."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.game import adversary, augmentation, condition, diagnostics, memory, replay
from genlab.game.adversary import OFFER, PAID_FOR, Judged
from genlab.game.condition import AUXILIARY, Asked
from genlab.game.discriminating import Discriminating
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.prior import FromCodes
from genlab.game.slots import Parts, several
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.game.unroll import moved_ahead
from genlab.numbers import Count, Fraction, Positive, Whole
from genlab.registry import experiments

# To a penalty of either player.
PAID_HERE = (*PAID_FOR, "generator", "latent", "memory")


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Gan(FromCodes, Discriminating, Experiment):
    """A generator maps noise to examples that a discriminator cannot tell from data.

    Real and generated examples go through the discriminator as two batches (batch normalisation
    sees them apart), and the generator moves on the noise that the discriminator saw last.

    Networks that take the label of an example are given it: with both of them such, `conditional`, the
    game is a conditional one. A discriminator may tell more of what it sees (`heads`): its class, or the
    codes that it was made of.

    Attributes:
      latent_dim: length of the standard normal noise z.
      n_critic: moves of the discriminator in a round, each on a fresh batch.
      catching_up: further moves of the discriminator, each on a fresh batch too, in the first of so many rounds:
        (moves, rounds); None for none.
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
      auxiliary: a registered part with terms of both players beside the objective's, from what the
        discriminator tells: `class_likelihood`, `mutual_information`, `rotation_of_both`,
        `information_of_both`; or a list.
      categorical: numbers of categories of the codes that the generator is given after its noise.
      continuous: number of codes in [-1, 1) after these.
      mismatched: share of the discriminator's terms in which real examples with the label of another
        take the place of fakes, 0.5 for a matching-aware discriminator; None for no such pairs.
      interpolated: probability that a fake is asked to be half of another class, 0.5 for GAN-INT; None
        for never.
      num_classes: of the data, of which samples are drawn evenly where the generator takes a label.

    Papers: Goodfellow et al. 2014, arXiv:1406.2661; conditional: Mirza & Osindero 2014,
      arXiv:1411.1784; pool: Shrivastava et al. 2017, arXiv:1612.07828; top-k: Sinha et al. 2020,
      arXiv:2002.06224; unrolled: Metz et al. 2017, arXiv:1611.02163; instance noise: Sonderby et al.
      2017, arXiv:1610.04490; mismatched, interpolated: Reed et al. 2016, arXiv:1605.05396; codes: Chen
      et al. 2016, arXiv:1606.03657
    """

    DECODER: ClassVar = "generator"
    ROLES: ClassVar = ("generator", "discriminator")
    PLAYERS: ClassVar = ("generator", "discriminator")
    OFFERS: ClassVar = {
        "objective": (*OFFER, "memory"),
        "penalty": PAID_HERE,
        "generator_penalty": PAID_HERE,
        "augment": ("x", "memory"),
        "auxiliary": AUXILIARY,
    }

    latent_dim: Count = 100
    n_critic: Count = 1
    catching_up: tuple[Count, Count] | None = None
    generator_steps: Count = 1
    penalty: Parts = field(
        default=None, metadata=several("objectives", "discriminator")
    )
    generator_penalty: Parts = field(
        default=None, metadata=several("objectives", "generator")
    )
    augment: Parts = field(
        default=None, metadata=several("corruptions", "discriminator")
    )
    pool: Whole = 0
    flip_labels: Fraction | None = None
    top_k: Fraction | None = None
    unrolled_steps: Whole = 0
    unrolled_rate: Positive = 0.1
    auxiliary: Parts = field(default=None, metadata=several("objectives"))
    mismatched: Fraction | None = None
    interpolated: Fraction | None = None
    num_classes: Whole = 0

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = self.latents(key, batch["x"].shape[0])
        params, extra = initialize(
            key,
            {
                "generator": [(self.networks["generator"], (z,))],
                "discriminator": [(self.networks["discriminator"], (batch["x"],))],
            },
            batch.get("label"),
        )
        if self.pool:
            stored = {"x": batch["x"], **condition.asked(self, Draw(batch, key, 0))}
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
            *self._catching_up(),
            Turn("discriminator", repeats=self.n_critic),
            Turn("generator", fresh=False),
        )
        if self.generator_steps == 1:
            return turns
        return (*turns, Turn("generator", repeats=self.generator_steps - 1))

    def _catching_up(self) -> Iterator[Turn]:
        if self.catching_up is not None:
            moves, rounds = self.catching_up
            yield Turn("discriminator", repeats=moves, every=rounds)

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, _ = self._generate(params, extra, draw)
        fake, asked, extra = self._from_pool(extra, draw, jax.lax.stop_gradient(fake))
        terms, renewed, judged = self._discriminator_terms(
            params, extra, draw, fake, asked
        )
        told = diagnostics.verdicts(judged.real_logits, judged.fake_logits)
        return Loss(terms, renewed, told | memory.numbers(renewed))

    def _generator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, renewed = self._generate(params, extra, draw)
        asked = condition.asked(self, draw)
        if self.unrolled_steps:
            params = self._looking_ahead(params, extra, draw, fake, asked)
        judged, seen = self._judge(params, extra, draw, fake, asked)
        terms = adversary.weigh(self, seen, draw, judged)[0]["generator"]
        if self.top_k is not None:
            terms = adversary.of_the_best(terms, judged.fake_logits, self.top_k)
        further = condition.auxiliary_terms(self, params, extra, draw, judged, asked)
        terms |= further["generator"]
        penalties, renewed = self._penalties(
            "generator", params, renewed, draw, judged, fake, asked
        )
        told = diagnostics.spread(draw.batch["x"], fake)
        return Loss(terms | penalties, renewed, told)

    def _discriminator_terms(
        self, params: PyTree, extra: PyTree, draw: Draw, fake: Array, asked: Asked
    ) -> tuple[dict[str, Array], PyTree, Judged]:
        """What the discriminator minimises where it is shown `fake: [B, ...]`, `asked` to be something,
        `extra` after that, and its verdicts."""
        told = params, extra, draw
        judged, extra = self._judge(*told, fake, asked)
        believed = judged
        if self.flip_labels is not None:
            believed = judged.flipped(draw.key("flip"), self.flip_labels)
        terms, extra = adversary.weigh(self, extra, draw, believed)
        if self.mismatched is not None:
            terms, extra = condition.with_mismatched(
                self, params, extra, draw, believed, terms, self.mismatched
            )
        further = condition.auxiliary_terms(self, *told, judged, asked)
        penalties, extra = self._penalties(
            "discriminator", params, extra, draw, judged, fake, asked
        )
        extra = augmentation.adapt(self, extra, draw, judged.real_logits)
        terms = terms["discriminator"] | further["discriminator"] | penalties
        return terms, extra, judged

    def _generate(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[Array, PyTree]:
        """Fakes for the draw, `[B, ...]`, and `extra` with the generator's variables renewed."""
        label = condition.asked(self, draw).get("label")
        return self.networks["generator"].train(
            params, extra, condition.latents(self, draw), key=draw.root, label=label
        )

    def _from_pool(
        self, extra: PyTree, draw: Draw, fake: Array
    ) -> tuple[Array, Asked, PyTree]:
        """Fakes that the discriminator sees, with what they were asked to be, and `extra`."""
        asked = condition.asked(self, draw)
        if not self.pool:
            return fake, asked, extra
        fresh = {"x": fake, **asked}
        held, shown = replay.exchange(extra["pool"]["fake"], fresh, draw.key("pool"))
        return shown.pop("x"), shown, {**extra, "pool": {"fake": held}}

    def _judge(
        self, params: PyTree, extra: PyTree, draw: Draw, fake: Array, asked: Asked
    ) -> tuple[Judged, PyTree]:
        """The discriminator's verdicts on the real examples of the draw and on fakes."""
        show = lambda which, x: augmentation.show(self, extra, draw, which, x)
        shown = (show("real", draw.batch["x"]),), (show("fake", fake),)
        label = asked.get("label")
        return adversary.judge(
            *(self, "discriminator", params, extra, draw, *shown), fake_label=label
        )

    def _looking_ahead(
        self, params: PyTree, extra: PyTree, draw: Draw, fake: Array, asked: Asked
    ) -> PyTree:
        """Parameters with those of the discriminator after its next steps, as a function of the fakes."""

        def loss(own: PyTree) -> Array:
            seen = {**params, "discriminator": own}
            terms, _, _ = self._discriminator_terms(seen, extra, draw, fake, asked)
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
        asked: Asked,
    ) -> tuple[dict[str, Array], PyTree]:
        """What a player pays beside the objective, and `extra` with what its penalties remember."""
        slot = {"discriminator": "penalty", "generator": "generator_penalty"}[player]
        label = {"real": draw.batch.get("label"), "fake": asked.get("label")}

        def call(role: str, which: str) -> Callable[..., Array]:
            return adversary.as_function(self, role, params, extra, draw, label[which])

        def critic(which: str) -> Callable[[Array], Array]:
            show = lambda x: augmentation.show(self, extra, draw, "penalty", x)
            discriminator = call("discriminator", which)
            return lambda x: discriminator(show(x))

        return self.recall_terms(
            slot,
            draw,
            extra,
            critic=critic("real"),
            critic_of_fakes=critic("fake"),
            generator=call("generator", "fake"),
            parameters=params[player],
            real=draw.batch["x"],
            fake=fake,
            real_logits=judged.real_logits,
            fake_logits=judged.fake_logits,
            latent=condition.latents(self, draw),
        )

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """G(z) of `z: [B, Z]`, noise and then codes where there are any, and of `label: [B]` where the
        generator takes one."""
        return self.networks["generator"](params, extra, z, label=label)

    def alarms(self, means: Mapping[str, float]) -> tuple[str, ...]:
        """What is wrong by the means of a line of the log: a generator that has collapsed."""
        return diagnostics.alarms(means)
