"""What families with a posterior q(z|x) and a decoder have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from genlab.game.experiment import Array, PyTree
from genlab.game.prior import FromPrior
from genlab.numbers import Count, Whole
from genlab.objectives.likelihood import check_range, mean_example
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
class WithLikelihood(WithPosterior):
    """One whose decoder gives a likelihood p(x|z).

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output.
    """

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
        """Mean of p(x|z): `[B, ...]` of `z: [B, latent_dim]`."""
        outputs = self.networks[self.DECODER](params, extra, z, label=label)
        return mean_example(self._likelihood, outputs)
