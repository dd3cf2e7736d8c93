"""Soft-IntroVAE: an encoder and a decoder that play against each other, without a discriminator."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.posterior import (
    WithLikelihood,
    WithPosterior,
    held_out_bound,
)
from genlab.shipped.experiments.vae import reparameterize

from genlab.game.adversary import of_both
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import mean_example
from genlab.part import name_of
from genlab.registry import experiments

MADE = ("reconstruction", "sample")  # by the decoder


@experiments.register
@dataclass(frozen=True, kw_only=True)
class SoftIntroVae(WithLikelihood, WithPosterior, Experiment):
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

    DECODER: ClassVar = "decoder"
    ROLES: ClassVar = ("encoder", "decoder")
    PLAYERS: ClassVar = ("encoder", "decoder")
    OFFERS: ClassVar = {
        "objective": (
            *("x", "reconstruction", "kl"),
            *(
                f"{what}_of_{made}"
                for made in MADE
                for what in ("reconstruction", "kl")
            ),
        ),
        "likelihood": WithLikelihood.LIKELIHOOD,
    }

    detach_targets: bool = True

    def __post_init__(self) -> None:
        """Refuses an objective that is not of these two players."""
        batch = {"x": jnp.zeros((2, 1)), "label": jnp.zeros(2, jnp.int32)}
        seen = {name: jnp.zeros(2) for name in self.OFFERS["objective"]}
        draw = Draw(batch, jax.random.key(0), jnp.zeros((), jnp.int32))
        jax.eval_shape(lambda: self._terms("encoder", draw, seen | {"x": batch["x"]}))

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        inputs = {"encoder": batch["x"], "decoder": z}
        groups = {
            role: [(self.networks[role], (shown,))] for role, shown in inputs.items()
        }
        return initialize(key, groups, batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {
            "encoder": Player(self._encoder_loss, self.optimizers["encoder"]),
            "decoder": Player(self._decoder_loss, self.optimizers["decoder"]),
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("encoder"), Turn("decoder", fresh=False))

    def _encoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        seen, extra = self._seen("encoder", params, extra, draw)
        kls = {"real_kl": seen["kl"]}
        kls |= {f"{made}_kl": seen[f"kl_of_{made}"] for made in MADE}
        metrics = {"negative_elbo": seen["reconstruction"] + seen["kl"], **kls}
        return Loss(self._terms("encoder", draw, seen), extra, metrics)

    def _decoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        seen, extra = self._seen("decoder", params, extra, draw)
        return Loss(self._terms("decoder", draw, seen), extra)

    def _terms(
        self, player: str, draw: Draw, seen: dict[str, Array]
    ) -> dict[str, Array]:
        """What the objective makes of what a player sees: its own terms."""
        found = self.ask("objective", draw, **seen)
        return of_both(name_of(self.objective), found, self.PLAYERS)[player]

    def _seen(
        self, player: str, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[dict[str, Array], PyTree]:
        """What the objective is offered, with the slopes that the player is to see, and `extra` with the
        variables of its own network renewed."""
        x, fixed = draw.batch["x"], jax.lax.stop_gradient

        def run(role: str, extra: PyTree, shown: Array, stream: str):
            known = {"key": draw.key(stream), "label": draw.batch.get("label")}
            made, renewed = self.networks[role].train(params, extra, shown, **known)
            return made, renewed if role == player else extra

        def passed(extra: PyTree, shown: Array, target: Array, stream: str):
            """Through both networks: likelihood and KL, the outputs and `extra`."""
            posterior, extra = run("encoder", extra, shown, f"{stream}/encoder")
            z = reparameterize(draw.key(f"{stream}/latent"), *posterior)
            z = fixed(z) if player == "decoder" else z
            outputs, extra = run("decoder", extra, z, f"{stream}/decoder")
            distance = self.unlikeliness(draw, outputs, target, z)
            return distance, gaussian_kl(*posterior), outputs, extra

        distance, kl, outputs, extra = passed(extra, x, x, "real")
        seen = {"x": x, "reconstruction": distance, "kl": kl}
        z = self.latents(draw.key("prior"), x.shape[0])
        sampled, extra = run("decoder", extra, z, "prior/decoder")
        for name, made in zip(MADE, (outputs, sampled), strict=True):
            image = mean_example(self._likelihood, made)
            shown = fixed(image) if player == "encoder" else image
            given = player == "decoder" or self.detach_targets
            target = fixed(image) if given else image
            distance, kl, _, extra = passed(extra, shown, target, name)
            seen |= {f"reconstruction_of_{name}": distance, f"kl_of_{name}": kl}
        return seen, extra

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] nats each: the bound, its two parts, and the KL of their
        reconstructions and of as many samples."""
        values, outputs = held_out_bound(self, params, extra, draw)
        label = draw.batch.get("label")
        z = self.latents(draw.key("prior"), draw.batch["x"].shape[0])
        made = {
            "reconstruction": mean_example(self._likelihood, outputs),
            "sample": self.decode(params, extra, z, label),
        }
        of_made = {
            f"{name}_kl": gaussian_kl(*self.posterior(params, extra, image, label))
            for name, image in made.items()
        }
        return values | of_made
