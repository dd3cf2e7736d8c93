"""What families with a posterior q(z|x), or with a likelihood p(x|z), have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from genlab.shipped.experiments.vae import reparameterize

from genlab.game.experiment import Array, PyTree
from genlab.game.prior import FromPrior
from genlab.game.turn import Draw
from genlab.numbers import Count, Whole
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.registry import objectives


@dataclass(frozen=True, kw_only=True)
class WithPosterior(FromPrior):
    """A family with `decode` and an encoder of diagonal Gaussians q(z|x) for a standard normal prior.

    Attributes:
      latent_dim: length of z.
      num_classes: of the data, of which samples are drawn evenly where the decoder takes a label.
    """

    latent_dim: Count = 20
    num_classes: Whole = 0

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

    def reconstruct(
        self, params: PyTree, extra: PyTree, x: Array, label: Array | None = None
    ) -> Array:
        """What the mean of q(z|x) decodes to: `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x, label), label)


@dataclass(frozen=True, kw_only=True)
class WithLikelihood:
    """A family whose decoder gives a likelihood p(x|z).

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output.
    """

    DECODER: ClassVar[str]
    LIKELIHOOD: ClassVar = ("outputs", "targets", "x", "z")

    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self._likelihood, low, high)

    def decode(
        self, params: PyTree, extra: PyTree, z: Array, label: Array | None = None
    ) -> Array:
        """Mean of p(x|z): `[B, ...]` of `z: [B, ...]`."""
        outputs = self.networks[self.DECODER](params, extra, z, label=label)
        return mean_example(self._likelihood, outputs)

    def unlikeliness(self, draw: Draw, outputs: Array, targets: Array, z: Array):
        """-log p(targets|z), [B] nats, of the decoder's outputs at z."""
        seen = {"outputs": outputs, "targets": targets, "x": targets, "z": z}
        return self.ask("likelihood", draw, **seen)


def held_out_bound(
    experiment: Any, params: PyTree, extra: PyTree, draw: Draw
) -> tuple[dict[str, Array], Array]:
    """The bound of a family with both on held-out examples, by one z of each.

    Returns:
      `negative_elbo`, `reconstruction`, `kl`, and `target_entropy` of gray pixels under `bernoulli`,
      [B] nats each; the decoder's outputs, [B, ...].
    """
    x, label = draw.batch["x"], draw.batch.get("label")
    posterior = experiment.posterior(params, extra, x, label)
    z = reparameterize(draw.key("latent"), *posterior)
    outputs = experiment.networks[experiment.DECODER](params, extra, z, label=label)
    reconstruction = experiment.unlikeliness(draw, outputs, x, z)
    kl = gaussian_kl(*posterior)
    values = {
        "negative_elbo": reconstruction + kl,
        "reconstruction": reconstruction,
        "kl": kl,
        **target_entropy(experiment.likelihood, x),
    }
    return values, outputs
