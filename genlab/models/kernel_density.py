"""A kernel on each of the last examples: the aggregate posterior where they are drawn codes."""

import jax
import jax.numpy as jnp

from genlab.game.gaussian import Gaussian, Mixture
from genlab.inference.expectation import seen_or_else, share, towards
from genlab.inference.mixture import SMALLEST, over_devices
from genlab.models.density import Density
from genlab.numbers import Count, Positive
from genlab.registry import models

Array = jax.Array


@models.register
class KernelDensity(Density):
    """p(x) = mean over the last N examples of N(x; x_i, diag(h)^2), by `sgd` at rate 1.

    Of codes that a Gaussian encoder draws it is the aggregate posterior, mean over examples of q(z|x), a
    little wider: what a VAE's decoder was trained on, without a fit. Its parameters are the examples
    themselves, the newest first; N of them have been seen after N / batch_size rounds.

    Attributes:
      example_shape: as of `Density`.
      kept: N.
      bandwidth: h as a share of each dimension's standard deviation over the examples kept; None for
        Scott's rule, their number to the power -1 / (D + 4).
      dtype: type of the computation.

    Papers: Parzen 1962, Ann. Math. Stat. 33:1065-1076; Scott 1992, Multivariate Density Estimation;
      aggregate posteriors: Tomczak & Welling 2018, arXiv:1705.07120
    """

    kept: Count = 1000
    bandwidth: Positive | None = None

    def setup(self) -> None:
        nothing = lambda _, *shape: jnp.zeros(shape)
        self.examples = self.param("examples", nothing, self.kept, self.size)
        self.held = self.param("held", nothing, self.kept)

    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]`: [B], nats; in training before they are kept."""
        del key
        x = self.flat(x)
        if not train:
            return -self.model().log_prob(x)
        new, now = over_devices(x), (self.examples, self.held)
        kept = lambda new, old: jnp.concatenate([new, old])[: self.kept]
        target = (
            kept(new, self.examples),
            kept(jnp.ones_like(new[:, 0]), self.held),
        )
        first = lambda: self._on(*jax.lax.stop_gradient(target))
        model = seen_or_else(jnp.sum(self.held), self.model, first)
        return towards(-model.log_prob(x), now, target)

    def model(self) -> Mixture:
        """The kernels as a mixture; standard normal where nothing has been seen."""
        return self._on(*jax.lax.stop_gradient((self.examples, self.held)))

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` draws of x: [num, *example_shape]."""
        del train
        return self.shaped(self.model().draw(key, num))

    def _on(self, examples: Array, held: Array) -> Mixture:
        count = jnp.sum(held)
        weights = share(held, count)
        mean = weights @ examples
        spread = jnp.sqrt(weights @ jnp.square(examples - mean[None]))
        rule = jnp.maximum(count, 1.0) ** (-1 / (self.size + 4))
        width = (rule if self.bandwidth is None else self.bandwidth) * spread
        width = jnp.where(spread > 0, width, 1.0)
        log_weights = jnp.log(jnp.maximum(weights, SMALLEST))
        log_variances = jnp.broadcast_to(2 * jnp.log(width)[None], examples.shape)
        return Mixture(log_weights, Gaussian(examples, log_variances))
