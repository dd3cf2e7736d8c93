"""VAE-GAN: a VAE whose reconstructions are compared in the features of a discriminator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import diagnostics
from genlab.game.adversary import OFFER, judge, weigh
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import reparameterize
from genlab.game.network import initialize
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, NonNegative, Whole
from genlab.objectives.divergence import gaussian_kl
from genlab.part import name_of
from genlab.registry import experiments

FAKES = ("reconstruction", "sample")


@experiments.register
@dataclass(frozen=True, kw_only=True)
class VaeGan(FromPrior, Experiment):
    """An encoder, a decoder that is a generator too, and a discriminator whose features tell alike from
    unlike.

    With f the method `features` of the discriminator, and L the likelihood of f(x) given f of the
    reconstruction, the encoder minimises KL + L, the decoder L and the adversarial terms, and
    the discriminator its own terms alone. Reconstructions and samples of the prior are its fakes: the
    objective weighs each kind against the real examples, and the mean of both counts.

    Three players, since the paper's three networks follow three slopes: the discriminator moves first and
    the others on the same draw.

    Attributes:
      likelihood: a registered likelihood, `gaussian` or `squared_error`, of the features of x.
      kl_weight: of the KL in the encoder's loss.
      feature_weight: of L in the decoder's loss, gamma.
      latent_dim: length of z.
      num_classes: of the data, of which samples are drawn evenly where the decoder takes a label.

    Paper: Larsen, Sonderby, Larochelle & Winther 2016, arXiv:1512.09300, algorithm 1
    """

    DECODER: ClassVar = "decoder"
    ROLES: ClassVar = ("encoder", "decoder", "discriminator")
    PLAYERS: ClassVar = ("encoder", "decoder", "discriminator")
    OFFERS: ClassVar = {"objective": OFFER, "likelihood": ("outputs", "targets")}

    likelihood: str | Mapping = field(
        default="squared_error", metadata={"part": "objectives"}
    )
    kl_weight: NonNegative = 1.0
    feature_weight: NonNegative = 1.0
    latent_dim: Count = 20
    num_classes: Whole = 0

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        module = self.networks["discriminator"].module
        if not hasattr(module, "features"):
            raise InputError(
                "'vae_gan' needs a discriminator with a method 'features', such as"
                f" 'dcgan_discriminator'; {name_of(module)!r} has none"
            )
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        shown = {"encoder": batch["x"], "decoder": z, "discriminator": batch["x"]}
        groups = {
            role: [(self.networks[role], (seen,))] for role, seen in shown.items()
        }
        return initialize(key, groups, batch.get("label"))

    def players(self) -> dict[str, Player]:
        losses = {
            "encoder": self._encoder_loss,
            "decoder": self._decoder_loss,
            "discriminator": self._discriminator_loss,
        }
        return {
            name: Player(loss, self.optimizers[name]) for name, loss in losses.items()
        }

    def turns(self) -> tuple[Turn, ...]:
        others = (Turn("encoder", fresh=False), Turn("decoder", fresh=False))
        return (Turn("discriminator"), *others)

    def _encoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        posterior, renewed = self._posterior(params, extra, draw)
        image, _ = self._decoded(params, extra, draw, posterior, "reconstruction")
        kl = gaussian_kl(*posterior)
        terms = {
            "kl": self.kl_weight * kl,
            "features": self._features_apart(params, extra, draw, image),
        }
        return Loss(terms, renewed, {"unweighted_kl": kl})

    def _decoder_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        posterior, _ = self._posterior(params, extra, draw)
        fakes, renewed = self._fakes(params, extra, draw, posterior)
        apart = self._features_apart(params, extra, draw, fakes["reconstruction"])
        terms, _ = self._compared("generator", params, extra, draw, fakes)
        told = diagnostics.spread(draw.batch["x"], fakes["sample"])
        return Loss(terms | {"features": self.feature_weight * apart}, renewed, told)

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        posterior, _ = self._posterior(params, extra, draw)
        fakes, _ = self._fakes(params, extra, draw, posterior)
        terms, extra = self._compared("discriminator", params, extra, draw, fakes)
        return Loss(terms, extra)

    def _posterior(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[tuple[Array, Array], PyTree]:
        known = {"key": draw.root, "label": draw.batch.get("label")}
        return self.networks["encoder"].train(params, extra, draw.batch["x"], **known)

    def _fakes(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        posterior: tuple[Array, Array],
    ) -> tuple[dict[str, Array], PyTree]:
        """A reconstruction and a sample for each example, and `extra` with the decoder's variables
        renewed."""
        fakes = {}
        for name in FAKES:
            fakes[name], extra = self._decoded(params, extra, draw, posterior, name)
        return fakes, extra

    def _decoded(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        posterior: tuple[Array, Array],
        which: str,
    ) -> tuple[Array, PyTree]:
        """What z is decoded to, drawn from q(z|x) for a reconstruction and from p(z) for a sample."""
        if which == "reconstruction":
            z = reparameterize(draw.key("latent"), *posterior)
        else:
            z = self.latents(draw.key("prior"), draw.batch["x"].shape[0])
        known = {"key": draw.key(f"decoder/{which}"), "label": draw.batch.get("label")}
        return self.networks["decoder"].train(params, extra, z, **known)

    def _features_apart(
        self, params: PyTree, extra: PyTree, draw: Draw, image: Array
    ) -> Array:
        """-log p(f(x)|z), [B], by the features of the reconstruction `image: [B, ...]`."""
        known = {"key": draw.key("features"), "label": draw.batch.get("label")}
        features = lambda x: self.networks["discriminator"].train(
            params, extra, x, **known, method="features"
        )[0]
        outputs, targets = features(image), features(draw.batch["x"])
        return self.ask("likelihood", draw, outputs=outputs, targets=targets)

    def _compared(
        self,
        player: str,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        fakes: dict[str, Array],
    ) -> tuple[dict[str, Array], PyTree]:
        """A player's half of the adversarial terms against each kind of fake, and `extra` with the
        discriminator's variables renewed."""
        terms, real = {}, draw.batch["x"]
        for name, fake in fakes.items():
            pair, which = ((real,), (fake,)), f"/{name}"
            judged, extra = judge(
                self, "discriminator", params, extra, draw, *pair, which=which
            )
            stream = f"objective{which}"
            weighed, extra = weigh(self, extra, draw, judged, stream=stream)
            for term, values in weighed[player].items():
                terms[f"{term}_{name}"] = 0.5 * values
        return terms, extra

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: the KL, nats; of reconstructions, -log p of the features and
        half the squared error of the example itself."""
        x, label = draw.batch["x"], draw.batch.get("label")
        posterior = self.posterior(params, extra, x, label)
        z = reparameterize(draw.key("latent"), *posterior)
        image = self.decode(params, extra, z, label)
        discriminator = self.networks["discriminator"]
        outputs, targets = (
            discriminator(params, extra, shown, label=label, method="features")
            for shown in (image, x)
        )
        axes = tuple(range(1, x.ndim))
        return {
            "kl": gaussian_kl(*posterior),
            "features": self.ask("likelihood", draw, outputs=outputs, targets=targets),
            "squared_error": 0.5 * jnp.sum(jnp.square(image - x), axis=axes),
        }

    def posterior(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> tuple[Array, Array]:
        """Mean and log-variance of q(z|x): `[B, latent_dim]` each of `x: [B, ...]`; here and below
        with `label: [B]` where a network takes one."""
        return self.networks["encoder"](params, extra, x, label=label)

    def encode(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of q(z|x): `[B, latent_dim]` of `x: [B, ...]`."""
        return self.posterior(params, extra, x, label)[0]

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """What the decoder makes of `z: [B, latent_dim]`: `[B, ...]`."""
        return self.networks["decoder"](params, extra, z, label=label)

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """What the mean of q(z|x) decodes to: `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)

    def alarms(self, means: Mapping[str, float]) -> tuple[str, ...]:
        """What is wrong by the means of a line of the log: a decoder that has collapsed."""
        return diagnostics.alarms(means, "decoder")
