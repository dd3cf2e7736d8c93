"""Soft-IntroVAE: an encoder and a decoder that play against each other, without a discriminator."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.vae import OneLayer

from genlab.game.adversary import of_both
from genlab.game.cast import Cast
from genlab.game.experiment import Array, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.part import name_of
from genlab.registry import experiments

MADE = ("reconstruction", "sample")  # by the decoder


class Passed(NamedTuple):
    """Images on their way through encoder and decoder.

    Attributes:
      reconstruction: [B], -log p of what they are compared with.
      kl: [B], KL(q(z|x) || p(z)) of them.
      image: [B, ...], the mean of what their first z is decoded to.
    """

    reconstruction: Array
    kl: Array
    image: Array


@experiments.register
@dataclass(frozen=True, kw_only=True)
class SoftIntroVae(OneLayer):
    """The encoder keeps the bound of real examples high and that of reconstructions and samples low,
    and the decoder keeps all three high.

    The encoder moves first, on images that it takes as given; the decoder moves on the same
    draw, with the encoder as it is then, on codes that it takes as given. The objective is offered, [B]
    nats each, the negative log-likelihood and the KL of x, of its reconstruction and of a sample.

    In a sound run the KL of samples and of reconstructions is at least that of real examples: they
    are logged as `real_kl`, `reconstruction_kl` and `sample_kl`.

    Attributes:
      detach_targets: whether the encoder takes a reconstruction as given where it is compared with what
        it is decoded to again, and not only where it is encoded; False is the authors' code.

    Paper: Daniel & Tamar 2021, arXiv:2012.13253
    """

    PLAYERS: ClassVar = ("encoder", "decoder")
    OFFERS: ClassVar = {
        **OneLayer.OFFERS,
        "objective": (
            *("x", "reconstruction", "kl"),
            *(
                f"{what}_of_{made}"
                for made in MADE
                for what in ("reconstruction", "kl")
            ),
        ),
    }

    # A learned prior, or a posterior flow, has no closed KL through which the decoder's player could move it.
    OPTIONAL_ROLES: ClassVar = ("scale",)

    detach_targets: bool = True

    def __post_init__(self) -> None:
        """As its parent, and refuses an objective that is not of these two players."""
        super().__post_init__()
        batch = {"x": jnp.zeros((2, 1)), "label": jnp.zeros(2, jnp.int32)}
        seen = {name: jnp.zeros(2) for name in self.OFFERS["objective"]}
        draw = Draw(batch, jax.random.key(0), jnp.zeros((), jnp.int32))
        jax.eval_shape(lambda: self._terms("encoder", draw, seen | {"x": batch["x"]}))

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        return initialize(key, self._sides(batch), batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {
            "encoder": Player(self._encoder_loss, self.optimizers["encoder"]),
            "decoder": Player(self._decoder_loss, self.optimizers["decoder"]),
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("encoder"), Turn("decoder", fresh=False))

    def _encoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        seen, extra = self._seen_by("encoder", params, extra, draw)
        kls = {"real_kl": seen["kl"]}
        kls |= {f"{made}_kl": seen[f"kl_of_{made}"] for made in MADE}
        metrics = {"negative_elbo": seen["reconstruction"] + seen["kl"], **kls}
        return Loss(self._terms("encoder", draw, seen), extra, metrics)

    def _decoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        seen, extra = self._seen_by("decoder", params, extra, draw)
        return Loss(self._terms("decoder", draw, seen), extra)

    def _terms(
        self, player: str, draw: Draw, seen: dict[str, Array]
    ) -> dict[str, Array]:
        """What the objective makes of what a player sees: its own terms."""
        found = self.ask("objective", draw, **seen)
        return of_both(name_of(self.objective), found, self.PLAYERS)[player]

    def _seen_by(
        self, player: str, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[dict[str, Array], PyTree]:
        """What the objective is offered, with the slopes that the player is to see, and `extra` with the
        variables of the networks renewed."""
        x, fixed = draw.batch["x"], jax.lax.stop_gradient
        cast = Cast(self.networks, params, extra, draw.root)
        real = self._passed(player, cast, draw, x, x)
        seen = {"x": x, "reconstruction": real.reconstruction, "kl": real.kl}
        z = self._from_prior(params, extra, draw.key("prior"), x.shape[0])
        sampled = self._mean(cast("decoder", z, label=draw.batch.get("label")))
        for name, image in zip(MADE, (real.image, sampled), strict=True):
            shown = fixed(image) if player == "encoder" else image
            given = player == "decoder" or self.detach_targets
            target = fixed(image) if given else image
            anew = draw.replace(root=draw.key(name))
            made = self._passed(player, cast, anew, shown, target)
            seen |= {f"reconstruction_of_{name}": made.reconstruction}
            seen |= {f"kl_of_{name}": made.kl}
        return seen, cast.extra

    def _passed(
        self, player: str, cast: Cast, draw: Draw, shown: Array, target: Array
    ) -> Passed:
        """Images `shown: [B, ...]` through both networks, compared with `target: [B, ...]`."""
        cast.key = draw.root if cast.key is not None else None
        at = lambda x: draw.replace(batch={**draw.batch, "x": x})
        inferred = self.infer(cast, at(shown), self.samples)
        latents, log_q, _ = inferred
        if player == "decoder":
            latents = jax.lax.stop_gradient(latents)
        weights, (likelihoods, outputs, _) = self._weigh(
            cast, at(target), self.samples, latents, log_q
        )
        kl, _ = self.closed_kl(cast.again(), inferred) or (
            jnp.mean(-weights - likelihoods, axis=1),
            None,
        )
        image = self._mean(outputs[:: self.samples])
        return Passed(jnp.mean(likelihoods, axis=1), kl, image)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """As its parent, and the KL of reconstructions of held-out examples and of as many samples, [B]
        nats each."""
        x, cast = draw.batch["x"], Cast(self.networks, params, extra)
        z = self._from_prior(params, extra, draw.key("prior"), x.shape[0])
        made = {
            "reconstruction": self._passed("decoder", cast, draw, x, x).image,
            "sample": self.decode(params, extra, z, draw.batch.get("label")),
        }
        kls = {
            f"{name}_kl": self._passed("decoder", cast, draw, image, image).kl
            for name, image in made.items()
        }
        return super().measure(params, extra, draw) | kls
