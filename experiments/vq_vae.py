"""VQ-VAE: an autoencoder whose codes are entries of a codebook."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import codebook, rng
from genlab.game.codebook import COLLECTION, Codebook
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, Decay, Fraction
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.part import name_of
from genlab.registry import experiments, objectives

PLAYER = "vq_vae"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class VqVae(Experiment):
    """An encoder f, codes e nearest to what it makes, and a decoder p(x|e) of them.

    The encoder makes vectors [B, ..., D], as many codes for each example; the decoder's slope passes
    to it straight through the look-up. Codes are running means of the vectors that are nearest to them,
    in `extra["codebook"]["encoder"]`, which so goes with the encoder wherever it is copied. The objective is offered -log p(x|e) and the squared
    distance ||f(x) - sg(e)||^2, summed over all codes of an example, [B] each.

    `encode` gives the codes that the decoder sees, `code_indices` their places in the codebook, of which
    a `density` learns the prior afterwards, and draws the samples. Logged are `perplexity`, the number of
    codes in use by the entropy of a batch, and `dead_share`, that of the codes whose running share of use is
    less than a tenth of an even one.

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output.
      latent_dim: length D of a code.
      codes: how many, K.
      decay: share of the old in the running means of the codes.
      revive_below: codes whose running share of use falls below this part of an even one are moved to
        vectors of the batch; None leaves them.

    Paper: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937; moving dead codes: Dhariwal et al.
      2020, arXiv:2005.00341
    """

    ROLES: ClassVar = ("encoder", "decoder")
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {
        "objective": ("reconstruction", "commitment", "x", "outputs"),
        "likelihood": ("outputs", "targets", "x", "z"),
    }

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )
    latent_dim: Count = 64
    codes: Count = 512
    decay: Decay = 0.99
    revive_below: Fraction | None = None

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        encoder, decoder = self.networks["encoder"], self.networks["decoder"]
        code = encoder.shape_of_output(batch["x"])
        if (
            not isinstance(code, jax.ShapeDtypeStruct)
            or code.shape[-1] != self.latent_dim
        ):
            raise InputError(
                f"'vq_vae' needs an encoder of vectors [..., {self.latent_dim}], as long as its"
                f" codes, such as 'code_map_encoder'; {name_of(encoder.module)!r} has"
                f" {getattr(code, 'shape', 'several outputs')}"
            )
        networks = [(encoder, (batch["x"],)), (decoder, (jnp.zeros(code.shape),))]
        params, extra = initialize(key, {PLAYER: networks}, batch.get("label"))
        first = codebook.first(rng.fold(key, "codebook"), self.codes, self.latent_dim)
        return params, {**extra, COLLECTION: {"encoder": first}}

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self._likelihood, low, high)

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def _unlikeliness(self, draw: Draw, outputs: Array, x: Array, z: Array) -> Array:
        """-log p(x|z): [B] nats."""
        return self.ask("likelihood", draw, outputs=outputs, targets=x, x=x, z=z)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, book = draw.batch["x"], _book(extra)
        known = {"key": draw.root, "label": draw.batch.get("label")}
        vectors, extra = self.networks["encoder"].train(params, extra, x, **known)
        fixed = jax.lax.stop_gradient(vectors)
        indices = codebook.nearest(book, fixed)
        codes = codebook.looked_up(book, indices)
        straight = vectors + (codes - fixed)
        outputs, extra = self.networks["decoder"].train(
            params, extra, straight, **known
        )
        terms = self.objective_terms(
            draw,
            reconstruction=self._unlikeliness(draw, outputs, x, straight),
            commitment=_squared(vectors - codes),
            x=x,
            outputs=outputs,
        )
        shares = codebook.shares_of(book, indices)
        book = codebook.followed(book, fixed, indices, self.decay)
        told = {
            "perplexity": codebook.perplexity(shares),
            "dead_share": jnp.mean(
                book["shares"] < 0.1 / self.codes, dtype=jnp.float32
            ),
        }
        if self.revive_below is not None:
            key = draw.key("codebook")
            book = codebook.revived(book, fixed, key, self.revive_below)
        return Loss(terms, {**extra, COLLECTION: {"encoder": book}}, told)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, [B] each: -log p(x|e); the KL of a uniform prior, log K for each code;
        the bound, their sum; the squared distance of vectors from their codes."""
        x, label = draw.batch["x"], draw.batch.get("label")
        vectors = self.networks["encoder"](params, extra, x, label=label)
        codes = self.encode(params, extra, x, label)
        outputs = self.networks["decoder"](params, extra, codes, label=label)
        reconstruction = self._unlikeliness(draw, outputs, x, codes)
        places = math.prod(vectors.shape[1:-1])
        kl = jnp.full_like(reconstruction, places * math.log(self.codes))
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "distance": _squared(vectors - codes),
            **target_entropy(self._likelihood, x),
        }

    def code_indices(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Places in the codebook of the codes of `x: [B, ...]`: [B, ...] int32 in [0, codes); here and
        below with `label: [B]` where a network takes one."""
        vectors = self.networks["encoder"](params, extra, x, label=label)
        return codebook.nearest(_book(extra), vectors)

    def encode(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """The codes of `x: [B, ...]`: [B, ..., latent_dim]."""
        indices = self.code_indices(params, extra, x, label)
        return codebook.looked_up(_book(extra), indices)

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|e) of codes `z: [B, ..., latent_dim]`: [B, ...]."""
        outputs = self.networks["decoder"](params, extra, z, label=label)
        return mean_example(self._likelihood, outputs)

    def decode_indices(
        self, params: PyTree, extra: PyTree, indices: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|e) of codes by their places, `indices: [B, ...]`: [B, ...]."""
        codes = codebook.looked_up(_book(extra), indices)
        return self.decode(params, extra, codes, label)

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|e) at the codes of `x: [B, ...]`: [B, ...]."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)


def _book(extra: PyTree) -> Codebook:
    return extra[COLLECTION]["encoder"]


def _squared(values: Array) -> Array:
    """Sum of squares of each example: [B]."""
    return jnp.sum(jnp.square(values), axis=tuple(range(1, values.ndim)))
