"""Variational autoencoders whose latent is a chain of layers."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from genlab.shipped.experiments.variational import Inferred, Variational

from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.game.cast import Cast
from genlab.game.experiment import Array, PyTree
from genlab.game.gaussian import (
    Gaussian,
    product,
    repeated,
    standard_normal_log_prob,
)
from genlab.game.network import initialize
from genlab.game.turn import Draw, Player, Turn
from genlab.numbers import Count
from genlab.registry import experiments

# Inference and generative network of each layer, the one next to x first.
LAYERS = (
    ("encoder", "decoder"),
    ("upper_encoder", "upper_decoder"),
    ("top_encoder", "top_decoder"),
)
INFERENCE = ("bottom_up", "top_down")


@experiments.register
@dataclass(frozen=True, kw_only=True)
class HierarchicalVae(Variational):
    """Two or three layers of latents, p(x|z1) p(z1|z2) p(z2) with a standard normal on top.

    Every network but the decoder gives a Gaussian of independent dimensions, `mlp_encoder`: `encoder`
    that of z1, `upper_encoder` that of z2, `upper_decoder` that of z1 given z2; `top_encoder` and
    `top_decoder` add a third layer. Their `latent_dim` are the lengths of the layers.

    Inferred from the bottom up, q(z1|x) q(z2|z1), each encoder sees a draw of the layer below. From the
    top down, q(z2|x) q(z1|z2, x), it sees the mean below, and the Gaussian of z1 is the product of what
    the encoder says and of p(z1|z2), by precisions. Codes, of `encode` and `decode`, are those of z1.

    Attributes:
      latent_dim: length of the topmost layer.
      inference: `bottom_up` or `top_down`.

    Papers: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519; top-down: Sonderby et al. 2016,
      arXiv:1602.02282
    """

    ROLES: ClassVar = ("encoder", "decoder", "upper_encoder", "upper_decoder")
    OPTIONAL_ROLES: ClassVar = ("scale", "top_encoder", "top_decoder")
    PLAYERS: ClassVar = ("vae",)

    latent_dim: Count = 20
    inference: str = "bottom_up"

    def __post_init__(self) -> None:
        """As its parent, and refuses an unknown inference and half of a third layer."""
        super().__post_init__()
        if self.inference not in INFERENCE:
            raise InputError(
                f"inference {self.inference!r} is unknown{suggest(self.inference, INFERENCE)}"
            )
        third = {*LAYERS[2]} & {*self.networks}
        if len(third) == 1:
            raise InputError(
                f"model.{third.pop()} is half of a third layer; it needs both {LAYERS[2][0]!r} and"
                f" {LAYERS[2][1]!r}"
            )

    @property
    def _layers(self) -> tuple[tuple[str, str], ...]:
        return tuple(layer for layer in LAYERS if layer[0] in self.networks)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        below, label = batch["x"], batch.get("label")
        networks = []
        for index, (encoder, decoder) in enumerate(self._layers):
            seen = self.networks[encoder].shape_of_output(below, label=label)
            mean = jnp.zeros(seen[0].shape)
            networks.append((self.networks[encoder], (below,)))
            networks.append((self.networks[decoder], (mean,)))
            if index:
                made = self.networks[decoder].shape_of_output(mean, label=label)
                _check_length(decoder, made[0].shape, below.shape)
            elif "scale" in self.networks:
                networks.append((self.networks["scale"], (mean,)))
            below = mean
        _check_length(self._layers[-1][0], below.shape, (len(below), self.latent_dim))
        return initialize(key, {"vae": networks}, label)

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)

    def infer(
        self, cast: Cast, draw: Draw, samples: int, at: tuple[Array, ...] | None = None
    ) -> Inferred:
        chain = self._upwards if self.inference == "bottom_up" else self._downwards
        return chain(cast, draw, samples, at)

    def _upwards(
        self, cast: Cast, draw: Draw, samples: int, at: tuple[Array, ...] | None
    ) -> Inferred:
        below, label, count = draw.batch["x"], draw.batch.get("label"), samples
        latents, total = [], 0.0
        for index, (encoder, _) in enumerate(self._layers):
            gaussian = repeated(Gaussian(*cast(encoder, below, label=label)), count)
            key = draw.key(f"latent/{index}")
            below, log_q = _drawn(gaussian, key, at, index)
            latents.append(below)
            total = total + log_q
            label, count = repeated(label, count), 1
        return Inferred(tuple(latents), total)

    def _downwards(
        self, cast: Cast, draw: Draw, samples: int, at: tuple[Array, ...] | None
    ) -> Inferred:
        x, label = draw.batch["x"], draw.batch.get("label")
        said = repeated(self._said(cast, x, label), samples)
        label = repeated(label, samples)
        latents, total, above = [], 0.0, None
        for index in reversed(range(len(said))):
            gaussian = self._joined(cast, said, index, above, label)
            above, log_q = _drawn(gaussian, draw.key(f"latent/{index}"), at, index)
            latents.insert(0, above)
            total = total + log_q
        return Inferred(tuple(latents), total)

    def _said(self, cast: Cast, x: Array, label: Array | None) -> list[Gaussian]:
        """What each encoder makes of the mean below."""
        below, said = x, []
        for encoder, _ in self._layers:
            said.append(Gaussian(*cast(encoder, below, label=label)))
            below = said[-1].mean
        return said

    def _joined(
        self,
        cast: Cast,
        said: list[Gaussian],
        index: int,
        above: Array | None,
        label: Array | None,
    ) -> Gaussian:
        """What is said of a layer, and what the latents above it say; there are none above the top."""
        if above is None:
            return said[index]
        decoder = self._layers[index + 1][1]
        prior = Gaussian(*cast.again()(decoder, above, label=label))
        return product(said[index], prior)

    def log_prior(
        self, cast: Cast, latents: tuple[Array, ...], label: Array | None
    ) -> Array:
        total = standard_normal_log_prob(latents[-1])
        for index, (_, decoder) in enumerate(self._layers[1:]):
            given = Gaussian(*cast(decoder, latents[index + 1], label=label))
            total = total + given.log_prob(latents[index])
        return total

    def closed_kl(self, cast: Cast, inferred: Inferred) -> None:
        del cast, inferred

    def encode(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of z1, [B, Z1], of `x: [B, ...]`, given the means of the layers above where these are
        inferred first; here and below with `label: [B]` where a network takes one."""
        cast = Cast(self.networks, params, extra)
        said = self._said(cast, x, label)
        if self.inference == "bottom_up":
            return said[0].mean
        mean = None
        for index in reversed(range(len(said))):
            mean = self._joined(cast, said, index, mean, label).mean
        return mean

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z1): `[B, ...]` of `z: [B, Z1]`."""
        return self._mean(self.networks["decoder"](params, extra, z, label=label))

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z1) at what `encode` gives: `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Means of p(x|z1) at draws of z1, from the topmost layer down: `[num, ...]`; classes drawn
        evenly where the decoder takes one."""
        label = None
        if self.networks["decoder"].takes_label:
            label = rng.classes(key, num, self.num_classes)
        return self._ancestral(params, extra, key, num, label)

    def sample_classes(
        self, params: PyTree, extra: PyTree, label: Array, key: Array
    ) -> Array:
        """As `sample`, of given classes, `label: [N]`: `[N, ...]`.

        Raises:
          InputError: the decoder takes no label.
        """
        self.networks["decoder"].need_label("samples of a class")
        return self._ancestral(params, extra, key, label.shape[0], label)

    def _ancestral(
        self, params: PyTree, extra: PyTree, key: Array, num: int, label: Array | None
    ) -> Array:
        cast = Cast(self.networks, params, extra)
        z = rng.normal(rng.fold(key, "top"), (num, self.latent_dim))
        for _, decoder in reversed(self._layers[1:]):
            given = Gaussian(*cast(decoder, z, label=label))
            z, _ = given.draw(rng.fold(key, decoder))
        return self.decode(params, extra, z, label)


def _drawn(
    gaussian: Gaussian, key: Array, at: tuple[Array, ...] | None, index: int
) -> tuple[Array, Array]:
    """A draw of each row with its log density, or the given latents of a layer with theirs."""
    if at is None:
        return gaussian.draw(key)
    return at[index], gaussian.log_prob(at[index])


def _check_length(role: str, made: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if made != wanted:
        raise InputError(
            f"model.{role} gives latents of length {made[-1]}, which are {wanted[-1]} long; set its"
            " latent_dim"
        )
