"""A mixture of Gaussians whose training is expectation maximisation."""

import functools

import flax.linen as nn
import jax

from genlab.game.gaussian import Mixture
from genlab.game.precision import exact_products
from genlab.inference import mixture
from genlab.inference.expectation import seen_or_else, towards
from genlab.models.density import Density
from genlab.numbers import Count, NonNegative
from genlab.registry import models

Array = jax.Array


@models.register
class GaussianMixture(Density):
    """p(x) = sum_k w_k N(x; m_k, S_k), by EM: `sgd` at rate 1 on all examples, or stepwise below 1.

    Its parameters are the means of its statistics, from none on: the first batch gives examples that lie
    far apart (k-means++) as the first means. See `genlab.inference.expectation`.

    Attributes:
      example_shape: as of `Density`.
      components: K.
      covariance: `full`, `diagonal` or `spherical`, of each component its own.
      floor: added to every variance, in the squared unit of x.
      dtype: type of the computation.

    Papers: Dempster, Laird & Rubin 1977, JRSS B 39:1-38; seeds: Arthur & Vassilvitskii 2007, SODA
    """

    components: Count = 10
    covariance: str = "full"
    floor: NonNegative = 1e-6

    def setup(self) -> None:
        shape = self.components, self.size, self.covariance
        blank = mixture.blank_statistics(*shape)
        self.statistics = mixture.Statistics(
            *(
                self.param(name, lambda _, leaf=leaf: leaf)
                for name, leaf in blank._asdict().items()
            )
        )

    @exact_products
    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]`: [B], nats, exact."""
        x, now, model = self.flat(x), self.statistics, self.model()
        if train:
            every = mixture.over_devices(x)
            first = functools.partial(mixture.seeded, every, key, now, self.floor)
            model = seen_or_else(now.mass.sum(), lambda: model, first)
        joint = model.log_joint(x)
        log_p = jax.nn.logsumexp(joint, axis=1)
        if not train:
            return -log_p
        return towards(-log_p, now, mixture.expected(nn.softmax(joint), x, now))

    def model(self) -> Mixture:
        """The mixture as it is; components that saw nothing are standard normal."""
        now = jax.lax.stop_gradient(self.statistics)
        return mixture.mixture_of(now, self.floor)

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` draws of x: [num, *example_shape]."""
        del train
        return self.shaped(self.model().draw(key, num))

    def code(self, x: Array, *, train: bool = False) -> Array:
        """p(k|x): [B, K] of `x: [B, *example_shape]`."""
        del train
        return nn.softmax(self.model().log_joint(self.flat(x)))

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """Means of the components weighted by `z: [B, K]`: [B, *example_shape]."""
        del train
        return self.shaped(z @ self.model().parts.mean)

    def filters(self, *, train: bool = False) -> Array:
        """Means of the components: [K, D]."""
        del train
        return self.model().parts.mean
