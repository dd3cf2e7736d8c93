"""Variational autoencoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count, Whole
from genlab.objectives.divergence import gaussian_kl, iwae
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.registry import experiments, objectives


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Vae(FromPrior, Experiment):
    """An encoder q(z|x) and a decoder p(x|z) that together maximise a bound on log p(x).

    q(z|x) is a diagonal Gaussian, p(z) the standard normal; z is drawn by reparameterisation. The
    objective is offered, of `samples` draws K for each example: the negative log-likelihood, [B], their
    mean, and the KL, [B], in closed form; the log weights log p(x|z) + log p(z) - log q(z|x), [B, K];
    z [B, Z] and outputs of the first draw; mean and log-variance of q(z|x), [B, Z].

    Networks that take the label of an example are given it, `conditional` those of any kind.

    A network in the optional role `scale` gives the logarithm of the likelihood's scale for z:
    `shared_scale` learns one for all pixels, a decoder one for each. A scale that is fixed weighs
    reconstruction against KL as beta does, and at 1 little is left of the KL of pixels in [0, 1].

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output: `bernoulli` (of logits)
        or `gaussian` (of means, with a `scale`).
      samples: draws of z for each example, K.
      latent_dim: length of z.
      num_classes: of the data, of which samples are drawn evenly where the decoder takes a label.

    Papers: Kingma & Welling 2014, arXiv:1312.6114; with labels: Sohn, Lee & Yan 2015, NIPS 28;
      the learned scale: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202
    """

    DECODER: ClassVar = "decoder"
    ROLES: ClassVar = ("encoder", "decoder")
    OPTIONAL_ROLES: ClassVar = ("scale",)
    PLAYERS: ClassVar = ("vae",)
    OFFERS: ClassVar = {
        "objective": (
            *("reconstruction", "kl", "log_weights"),
            *("x", "outputs", "z", "mean", "log_variance"),
        ),
        "likelihood": ("outputs", "targets", "x", "z"),
    }

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )
    latent_dim: Count = 20
    samples: Count = 1
    num_classes: Whole = 0

    def __post_init__(self) -> None:
        """Refuses a learned scale of a likelihood that has none, or whose scale is chosen."""
        name, chosen = self.likelihood, {}
        if not isinstance(name, str):
            chosen = dict(name)
            name = chosen.pop("name")
        if "scale" in self.networks:
            if "scale" not in objectives.knobs(name):
                raise InputError(
                    f"likelihood {name!r} has no scale that model.scale could learn; 'gaussian' has"
                )
            if "scale" in chosen:
                raise InputError(
                    f"likelihood {name!r} is given scale={chosen['scale']}, and model.scale learns"
                    " one; choose one of the two"
                )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        of_z = [
            (self.networks[role], (z,))
            for role in ("decoder", "scale")
            if role in self.networks
        ]
        encoder = (self.networks["encoder"], (batch["x"],))
        return initialize(key, {"vae": [encoder, *of_z]}, batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self._likelihood, low, high)

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x, label = draw.batch["x"], draw.batch.get("label")
        of_x = {"key": draw.root, "label": label}
        of_z = {"key": draw.root, "label": self._repeated(label)}
        posterior, extra = self.networks["encoder"].train(params, extra, x, **of_x)
        z = reparameterize(draw.key("latent"), *posterior, self.samples)
        outputs, extra = self.networks["decoder"].train(params, extra, z, **of_z)
        scale = {}
        if "scale" in self.networks:
            log, extra = self.networks["scale"].train(params, extra, z, **of_z)
            scale = {"scale": jnp.exp(log)}
        seen = self._judged(draw, posterior, z, outputs, scale)
        metrics = {
            "negative_elbo": seen["reconstruction"] + seen["kl"],
            "unweighted_kl": seen["kl"],
        }
        terms = self.objective_terms(draw, **seen)
        return Loss(terms, extra, metrics | scale)

    def _repeated(self, tree: PyTree) -> PyTree:
        """Every row as often as z is drawn for it."""
        return jax.tree.map(lambda leaf: _repeated(leaf, self.samples), tree)

    def _judged(
        self,
        draw: Draw,
        posterior: tuple[Array, Array],
        z: Array,
        outputs: Array,
        scale: dict[str, Array],
    ) -> dict[str, Array]:
        """What the objective is offered, of `z: [B K, Z]` and the decoder's outputs for it."""
        many = self._repeated(draw.batch)
        x, (mean, log_variance) = many["x"], posterior
        likelihoods = self.ask(
            "likelihood",
            draw.replace(batch=many),
            knobs=scale,
            outputs=outputs,
            targets=x,
            x=x,
            z=z,
        )
        each = lambda leaf: leaf.reshape(-1, self.samples, *leaf.shape[1:])
        likelihoods, z = each(likelihoods), each(z)
        return {
            "reconstruction": jnp.mean(likelihoods, axis=1),
            "kl": gaussian_kl(mean, log_variance),
            "log_weights": _log_ratio(z, mean, log_variance) - likelihoods,
            "x": draw.batch["x"],
            "outputs": each(outputs)[:, 0],
            "z": z[:, 0],
            "mean": mean,
            "log_variance": log_variance,
        }

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound without beta on held-out examples, [B], nats; with several samples the tighter one
        of their mean weight, too."""
        x, label = draw.batch["x"], draw.batch.get("label")
        posterior = self.posterior(params, extra, x, label)
        z = reparameterize(draw.key("latent"), *posterior, self.samples)
        label = self._repeated(label)
        outputs = self.networks["decoder"](params, extra, z, label=label)
        scale = {}
        if "scale" in self.networks:
            log = self.networks["scale"](params, extra, z, label=label)
            scale = {"scale": jnp.exp(log)}
        seen = self._judged(draw, posterior, z, outputs, scale)
        reconstruction, kl = seen["reconstruction"], seen["kl"]
        tighter = iwae(seen["log_weights"]) if self.samples > 1 else {}
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            **{f"negative_{name}": values for name, values in tighter.items()},
            **target_entropy(self._likelihood, x),
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
        """Mean of p(x|z): `[B, ...]` of `z: [B, latent_dim]`."""
        outputs = self.networks["decoder"](params, extra, z, label=label)
        return mean_example(self._likelihood, outputs)

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z) at the mean of q(z|x): `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)


def reparameterize(
    key: Array, mean: Array, log_variance: Array, samples: int = 1
) -> Array:
    """z = mean + exp(log_variance / 2) * epsilon, epsilon ~ N(0, I): `[B, Z]` of `[B, Z]` each, or
    `[B * samples, Z]`, those of an example one after another."""
    shape = (mean.shape[0], samples, *mean.shape[1:])
    noise = rng.normal(key, shape).reshape(-1, *mean.shape[1:])
    mean, log_variance = (_repeated(leaf, samples) for leaf in (mean, log_variance))
    return mean + jnp.exp(0.5 * log_variance) * noise


def _repeated(leaf: Array, samples: int) -> Array:
    """Each row `samples` times: [B * samples, ...] of `leaf: [B, ...]`."""
    shape = (leaf.shape[0], samples, *leaf.shape[1:])
    return jnp.broadcast_to(leaf[:, None], shape).reshape(-1, *leaf.shape[1:])


def _log_ratio(z: Array, mean: Array, log_variance: Array) -> Array:
    """log p(z) - log q(z|x): [B, K] of `z: [B, K, Z]`, mean and log-variance [B, Z]."""
    gap = jnp.square(z - mean[:, None]) * jnp.exp(-log_variance)[:, None]
    return 0.5 * jnp.sum(gap + log_variance[:, None] - jnp.square(z), axis=-1)
