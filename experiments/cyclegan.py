"""CycleGAN: translation between two domains of images that nobody has paired."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.translation import DISTANCE, both_domains, check_range

from genlab.errors import InputError
from genlab.game import replay
from genlab.game.adversary import OFFER, PAID_FOR
from genlab.game.comparison import compare, compare_and_pay
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.slots import Parts, several
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import NonNegative, Whole
from genlab.registry import experiments

DOMAINS = ("x", "y")
OTHER = {"x": "y", "y": "x"}


@experiments.register
@dataclass(frozen=True, kw_only=True)
class CycleGan(Experiment):
    """Two generators that undo each other, each against a discriminator of its domain.

    A network's name ends in the domain that it makes or judges: `generator_y` maps x to y. The
    discriminators move first and see pooled fakes; the generators move on the fakes of the same
    draw. The objective is offered logits, each patch as an example of its own.

    Attributes:
      cycle: a registered distance of an image from its way there and back,
        `dict(name="l1", weight=10.0)`.
      identity: a registered distance of an image of a domain from what the generator of that domain
        makes of it; None for none.
      adversarial_weight: of the generators' adversarial terms. The published least squares have no
        half, the objective `least_squares` has one: 2.0 there is the published 1; 1.0 with
        `non_saturating` and others.
      discriminator_weight: of the discriminators' terms, which the paper halves: 1.0 with
        `least_squares`, which has the half; 0.5 with `non_saturating` and others.
      pool_size: fakes of each domain that are kept for the discriminators; 0 keeps none.
      penalty: a registered penalty that each discriminator pays, not weighed by `discriminator_weight`,
        or a list.
      augment: a registered corruption, or a list, of all that the discriminators are shown, in the
        losses of both players.

    Paper: Zhu et al. 2017, arXiv:1703.10593
    """

    ROLES: ClassVar = (
        "generator_x",
        "generator_y",
        "discriminator_x",
        "discriminator_y",
    )
    PLAYERS: ClassVar = ("generators", "discriminators")
    OFFERS: ClassVar = {
        "objective": OFFER,
        "penalty": PAID_FOR,
        "augment": ("x",),
        "cycle": DISTANCE,
        "identity": DISTANCE,
    }

    cycle: str | Mapping | None = field(default=None, metadata={"part": "objectives"})
    identity: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    adversarial_weight: NonNegative = 1.0
    discriminator_weight: NonNegative = 1.0
    pool_size: Whole = 50
    penalty: Parts = field(
        default=None, metadata=several("objectives", "discriminators")
    )
    augment: Parts = field(
        default=None, metadata=several("corruptions", "discriminators")
    )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        images = dict(zip(DOMAINS, both_domains(batch), strict=True))
        self._check(images)
        groups = {
            "generators": [
                (self.networks[f"generator_{domain}"], (images[OTHER[domain]],))
                for domain in DOMAINS
            ],
            "discriminators": [
                (self.networks[f"discriminator_{domain}"], (images[domain],))
                for domain in DOMAINS
            ],
        }
        params, extra = initialize(key, groups)
        if self.pool_size:
            extra["pool"] = {
                domain: replay.empty_pool(self.pool_size, images[domain])
                for domain in DOMAINS
            }
        return params, extra

    def players(self) -> dict[str, Player]:
        return {
            "generators": Player(self._generators_loss, self.optimizers["generators"]),
            "discriminators": Player(
                self._discriminators_loss, self.optimizers["discriminators"]
            ),
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("discriminators"), Turn("generators", fresh=False))

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError unless images are in [-1, 1]."""
        check_range(low, high)

    def translate(self, params: PyTree, extra: PyTree, x: Array, key: Array) -> Array:
        """G(x): [B, H, W, C], of `x: [B, H, W, C]` in the range of the data."""
        return self._generate("y", params, extra, x, key)[0]

    def translate_back(
        self, params: PyTree, extra: PyTree, y: Array, key: Array
    ) -> Array:
        """F(y): [B, H, W, C], of `y: [B, H, W, C]` in the range of the data."""
        return self._generate("x", params, extra, y, key)[0]

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Mean absolute difference of x from F(G(x)) and of y from G(F(y)), [B] each, in the unit
        of the data."""
        fakes, extra = self._fakes(params, extra, draw)
        returned, _ = self._returned(params, extra, draw, fakes)
        return {
            f"cycle_{domain}": jnp.mean(
                jnp.abs(returned[domain] - draw.batch[domain]), axis=(1, 2, 3)
            )
            for domain in DOMAINS
        }

    def _discriminators_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fakes, _ = self._fakes(params, extra, draw)
        fakes = {name: jax.lax.stop_gradient(fake) for name, fake in fakes.items()}
        if self.pool_size:
            pools = {}
            for domain in DOMAINS:
                pools[domain], fakes[domain] = replay.exchange(
                    extra["pool"][domain], fakes[domain], draw.key(f"pool_{domain}")
                )
            extra = {**extra, "pool": pools}
        terms = {}
        for domain in DOMAINS:
            pair = (draw.batch[domain],), (fakes[domain],)
            compared, paid, extra = compare_and_pay(
                *(self, f"discriminator_{domain}", params, extra, draw), *pair
            )
            for name, term in compared["discriminator"].items():
                terms[f"{name}_{domain}"] = self.discriminator_weight * term
            terms |= {f"{name}_{domain}": term for name, term in paid.items()}
        return Loss(terms, extra)

    def _generators_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        fakes, renewed = self._fakes(params, extra, draw)
        terms = {}
        for domain in DOMAINS:
            pair = (draw.batch[domain],), (fakes[domain],)
            compared, _ = compare(
                *(self, f"discriminator_{domain}", params, extra, draw), *pair
            )
            for name, term in compared["generator"].items():
                terms[f"{name}_{domain}"] = self.adversarial_weight * term
        if self.cycle is not None:
            returned, renewed = self._returned(params, renewed, draw, fakes)
            for domain in DOMAINS:
                terms[f"cycle_{domain}"] = self.ask(
                    "cycle",
                    draw,
                    stream=f"cycle_{domain}",
                    outputs=returned[domain],
                    targets=draw.batch[domain],
                    source=fakes[OTHER[domain]],
                )
        if self.identity is not None:
            for domain in DOMAINS:
                real = draw.batch[domain]
                same, renewed = self._generate(
                    domain, params, renewed, real, draw.key(f"identity_{domain}")
                )
                terms[f"identity_{domain}"] = self.ask(
                    "identity",
                    draw,
                    stream=f"identity_{domain}/distance",
                    outputs=same,
                    targets=real,
                    source=real,
                )
        return Loss(terms, renewed)

    def _generate(
        self, domain: str, params: PyTree, extra: PyTree, images: Array, key: Array
    ) -> tuple[Array, PyTree]:
        """What the generator of a domain makes of images, as in training."""
        return self.networks[f"generator_{domain}"].train(
            params, extra, images, key=key
        )

    def _fakes(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[dict[str, Array], PyTree]:
        """F(y) as `x` and G(x) as `y`."""
        fakes = {}
        for domain in DOMAINS:
            fakes[domain], extra = self._generate(
                domain, params, extra, draw.batch[OTHER[domain]], draw.root
            )
        return fakes, extra

    def _returned(
        self, params: PyTree, extra: PyTree, draw: Draw, fakes: dict[str, Array]
    ) -> tuple[dict[str, Array], PyTree]:
        """F(G(x)) as `x` and G(F(y)) as `y`."""
        returned = {}
        for domain in DOMAINS:
            returned[domain], extra = self._generate(
                domain, params, extra, fakes[OTHER[domain]], draw.key("cycle")
            )
        return returned, extra

    def _check(self, images: dict[str, Array]) -> None:
        x, y = (images[domain].shape[1:] for domain in DOMAINS)
        if x != y:
            raise InputError(
                f"the domains of 'cycle_gan' have images {x} and {y}; bring both to one shape"
                " with data.image_size and data.channels"
            )
        for domain in DOMAINS:
            generator = self.networks[f"generator_{domain}"]
            made = generator.shape_of_output(images[OTHER[domain]]).shape[1:]
            if made != x:
                raise InputError(
                    f"generator_{domain} makes images {made}, and the domain has {x}; take a"
                    " generator that keeps the size"
                )
