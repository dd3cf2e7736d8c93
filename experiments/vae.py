"""Variational autoencoders."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from genlab import rng
from genlab.experiment import Array, Draw, Experiment, Loss, Player, PyTree, Turn
from genlab.network import initialize
from genlab.numbers import Count
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.registry import experiments, objectives


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Vae(Experiment):
    """An encoder q(z|x) and a decoder p(x|z) that together maximise a bound on log p(x).

    q(z|x) is a diagonal Gaussian, p(z) the standard normal; one z is drawn per example by
    reparameterisation. The objective takes the negative log-likelihood and the KL, [B] each.

    Attributes:
      likelihood: a registered likelihood of x given the decoder's output: `bernoulli` (of logits)
        or `gaussian` (of means).
      latent_dim: length of z.

    Paper: Kingma & Welling 2014, arXiv:1312.6114
    """

    ROLES: ClassVar = ("encoder", "decoder")
    PLAYERS: ClassVar = ("vae",)

    likelihood: str = "bernoulli"
    latent_dim: Count = 20

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        z = jnp.zeros((batch["x"].shape[0], self.latent_dim))
        encoder, decoder = self.networks["encoder"], self.networks["decoder"]
        return initialize(key, {"vae": [(encoder, (batch["x"],)), (decoder, (z,))]})

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        check_range(self.likelihood, low, high)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = draw.batch["x"]
        (mean, log_variance), extra = self.networks["encoder"].train(
            params, extra, x, key=draw.root
        )
        z = reparameterize(draw.key("latent"), mean, log_variance)
        outputs, extra = self.networks["decoder"].train(params, extra, z, key=draw.root)
        reconstruction, kl = self._bound(x, outputs, mean, log_variance)
        terms = self.objective(reconstruction, kl)
        return Loss(
            terms, extra, {"negative_elbo": reconstruction + kl, "unweighted_kl": kl}
        )

    def _bound(
        self, x: Array, outputs: Array, mean: Array, log_variance: Array
    ) -> tuple[Array, Array]:
        """-log p(x|z) and KL(q(z|x) || p(z)), [B] each, nats."""
        nll = objectives.build(self.likelihood)
        return nll(outputs, x), gaussian_kl(mean, log_variance)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound without beta on held-out examples, one z each: [B], nats."""
        x = draw.batch["x"]
        mean, log_variance = self.networks["encoder"](params, extra, x)
        z = reparameterize(draw.key("latent"), mean, log_variance)
        outputs = self.networks["decoder"](params, extra, z)
        reconstruction, kl = self._bound(x, outputs, mean, log_variance)
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            **target_entropy(self.likelihood, x),
        }

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean of q(z|x): `[B, latent_dim]` of `x: [B, ...]`."""
        mean, _ = self.networks["encoder"](params, extra, x)
        return mean

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """Mean of p(x|z): `[B, ...]` of `z: [B, latent_dim]`."""
        outputs = self.networks["decoder"](params, extra, z)
        return mean_example(self.likelihood, outputs)

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean of p(x|z) at the mean of q(z|x): `[B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x))

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Means of p(x|z) at `num` draws of z from the prior: `[num, ...]`."""
        return self.decode(params, extra, rng.normal(key, (num, self.latent_dim)))


def reparameterize(key: Array, mean: Array, log_variance: Array) -> Array:
    """z = mean + exp(log_variance / 2) * epsilon, epsilon ~ N(0, I): `[B, Z]` each."""
    return mean + jnp.exp(0.5 * log_variance) * rng.normal(key, mean.shape)
