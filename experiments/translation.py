"""Translation of images by pairs: a network that minimises a distance, and pix2pix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, final

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import memory
from genlab.game.adversary import OFFER, PAID_FOR
from genlab.game.comparison import compare, compare_and_pay
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.slots import Parts, several
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import NonNegative
from genlab.registry import experiments

DISTANCE = ("outputs", "targets", "source")  # what a distance is offered


@dataclass(frozen=True, kw_only=True)
class PairedTranslation(Experiment):
    """A generator from an image x to its partner y.

    Attributes:
      perceptual: a registered distance of images that is minimised as well, such as `perceptual`.
      fill_only: x carries a mask as its last channel, and the output is the generator's where that
        is above 0 and x elsewhere: inpainting.
    """

    perceptual: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    fill_only: bool = False

    @final
    def translate(self, params: PyTree, extra: PyTree, x: Array, key: Array) -> Array:
        """G(x): [B, H, W, C] of `x: [B, H, W, C']` in the range of the data.

        The generator works as in training: dropout is its only noise, and batch normalisation
        takes the statistics of this batch.
        """
        return self._generate(params, extra, x, key)[0]

    @final
    def check_data(self, low: float, high: float) -> None:
        """Raises InputError unless images are in [-1, 1]."""
        check_range(low, high)

    @final
    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Mean absolute and squared difference from the true partner, [B] each, in the unit of the
        data."""
        x, y = draw.batch["x"], draw.batch["y"]
        gap = self.translate(params, extra, x, draw.key("translate")) - y
        axes = tuple(range(1, y.ndim))
        return {
            "l1": jnp.mean(jnp.abs(gap), axis=axes),
            "squared_error": jnp.mean(jnp.square(gap), axis=axes),
        }

    @final
    def _generate(
        self, params: PyTree, extra: PyTree, x: Array, key: Array
    ) -> tuple[Array, PyTree]:
        """Outputs for x, and `extra` with the generator's variables renewed."""
        outputs, extra = self.networks["generator"].train(params, extra, x, key=key)
        if self.fill_only:
            outputs = jnp.where(x[..., -1:] > 0, outputs, x[..., :-1])
        return outputs, extra

    @final
    def _check(self, batch: dict[str, Array]) -> None:
        """Raises InputError unless the generator makes what the targets are."""
        x, y = both_domains(batch)
        made = self.networks["generator"].shape_of_output(x).shape
        if made != y.shape:
            raise InputError(
                f"the generator makes images {made[1:]} of {x.shape[1:]}, and the targets are"
                f" {y.shape[1:]}; a U-Net or residual generator keeps the size, and"
                " 'subpixel_resnet' enlarges it"
            )
        if self.fill_only and x.shape[-1] != y.shape[-1] + 1:
            raise InputError(
                f"fill_only needs a mask as the last channel of x, and examples are"
                f" {x.shape[1:]} for targets {y.shape[1:]}; data.degrade=box_holes makes one"
            )


def both_domains(batch: dict[str, Array]) -> tuple[Array, Array]:
    """x and y of a batch.

    Raises:
      InputError: there is no y.
    """
    if "y" not in batch:
        raise InputError(
            "translation needs images of two domains; take a data set of them, as"
            " paired_folder:PATH, or make pairs by data.degrade"
        )
    return batch["x"], batch["y"]


def check_range(low: float, high: float) -> None:
    """Raises InputError unless images are in [-1, 1], which is what generators make."""
    if (low, high) != (-1.0, 1.0):
        raise InputError(
            f"translation is of images in [-1, 1], and data.value_range is ({low:g}, {high:g});"
            " set data.value_range=(-1.0, 1.0)"
        )


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Translator(PairedTranslation):
    """A generator that minimises a distance from the true partner, and nothing else.

    The objective is one of outputs and targets: `l1`, `l2`, `charbonnier`, `channel_cross_entropy`.

    Paper: Dong et al. 2016, arXiv:1501.00092
    """

    ROLES: ClassVar = ("generator",)
    PLAYERS: ClassVar = ("generator",)
    OFFERS: ClassVar = {"objective": DISTANCE, "perceptual": DISTANCE}

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        self._check(batch)
        network = self.networks["generator"]
        return initialize(key, {"generator": [(network, (batch["x"],))]})

    def players(self) -> dict[str, Player]:
        return {"generator": Player(self._loss, self.optimizers["generator"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("generator"),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, y = draw.batch["x"], draw.batch["y"]
        outputs, extra = self._generate(params, extra, x, draw.root)
        seen = {"outputs": outputs, "targets": y, "source": x}
        terms = {"reconstruction": self.ask("objective", draw, **seen)}
        return Loss(terms | self.terms("perceptual", draw, **seen), extra)


@experiments.register(name="pix2pix")
@dataclass(frozen=True, kw_only=True)
class Pix2Pix(PairedTranslation):
    """A generator against a discriminator of patches that sees input and output together.

    The objective is offered logits of true and generated pairs, each patch as an example of its
    own.

    Attributes:
      reconstruction: a registered distance from the true partner, `dict(name="l1", weight=100.0)`.
      discriminator_weight: of the discriminator's terms, which the paper halves: 0.5 where the
        objective is `non_saturating`. `least_squares` has a half in its own terms, for both players:
        there it takes 1.0, and a `reconstruction` of half the weight keeps the paper's balance.
      conditional: whether the discriminator sees the input beside the output.
      penalty: a registered penalty that the discriminator pays, not weighed by `discriminator_weight`, or
        a list; of the output, whose input is held fixed.
      augment: a registered corruption, or a list, of all that the discriminator is shown, input and output
        alike, in the losses of both players.

    Paper: Isola et al. 2017, arXiv:1611.07004
    """

    ROLES: ClassVar = ("generator", "discriminator")
    PLAYERS: ClassVar = ("generator", "discriminator")
    OFFERS: ClassVar = {
        "objective": OFFER,
        "penalty": (*PAID_FOR, "memory"),
        "augment": ("x", "memory"),
        "reconstruction": DISTANCE,
        "perceptual": DISTANCE,
    }

    reconstruction: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    discriminator_weight: NonNegative = 0.5
    conditional: bool = True
    penalty: Parts = field(
        default=None, metadata=several("objectives", "discriminator")
    )
    augment: Parts = field(
        default=None, metadata=several("corruptions", "discriminator")
    )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        self._check(batch)
        generator, discriminator = (self.networks[role] for role in self.ROLES)
        judged = self._judged(batch["x"], batch["y"])
        return initialize(
            key,
            {
                "generator": [(generator, (batch["x"],))],
                "discriminator": [(discriminator, judged)],
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
        return (Turn("discriminator"), Turn("generator", fresh=False))

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fake, _ = self._generate(params, extra, draw.batch["x"], draw.root)
        pairs = self._pairs(draw, jax.lax.stop_gradient(fake))
        terms, paid, renewed = compare_and_pay(
            *(self, "discriminator", params, extra, draw), *pairs
        )
        weighted = {
            name: self.discriminator_weight * term
            for name, term in terms["discriminator"].items()
        }
        return Loss(weighted | paid, renewed, memory.numbers(renewed))

    def _generator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, y = draw.batch["x"], draw.batch["y"]
        fake, generated = self._generate(params, extra, x, draw.root)
        pairs = self._pairs(draw, fake)
        terms, _ = compare(self, "discriminator", params, extra, draw, *pairs)
        seen = {"outputs": fake, "targets": y, "source": x}
        distances = [
            self.terms(slot, draw, **seen) for slot in ("reconstruction", "perceptual")
        ]
        return Loss(terms["generator"] | distances[0] | distances[1], generated)

    def _judged(self, x: Array, y: Array) -> tuple[Array, ...]:
        """What the discriminator looks at."""
        return (x, y) if self.conditional else (y,)

    def _pairs(
        self, draw: Draw, fake: Array
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """What the discriminator looks at of real pairs and of generated ones."""
        x, y = draw.batch["x"], draw.batch["y"]
        return self._judged(x, y), self._judged(x, fake)
