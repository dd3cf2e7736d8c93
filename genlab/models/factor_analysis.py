"""Probabilistic PCA and factor analysis, whose training is expectation maximisation."""

import functools

import jax
import jax.numpy as jnp

from genlab.game.precision import exact_products
from genlab.inference import linear_gaussian
from genlab.inference.expectation import seen_or_else, towards
from genlab.models.density import Density
from genlab.numbers import Count, NonNegative
from genlab.registry import models

Array = jax.Array


@models.register
class FactorAnalysis(Density):
    """x = m + W z + e with Gaussian z and e, by EM: `sgd` at rate 1 on all examples, or stepwise below 1.

    Its parameters are the means of its statistics, from none on, as those of `gaussian_mixture`.

    Attributes:
      example_shape: as of `Density`.
      latent_dim: numbers in z, K.
      noise: `isotropic`, one variance of e, which is probabilistic PCA; or `diagonal`, one of each
        dimension, factor analysis.
      floor: added to the variances, in the squared unit of x.
      dtype: type of the computation.

    Papers: Tipping & Bishop 1999, JRSS B 61:611-622; Ghahramani & Hinton 1996, CRG-TR-96-1
    """

    latent_dim: Count = 10
    noise: str = "isotropic"
    floor: NonNegative = 1e-6

    def setup(self) -> None:
        shape = self.size, self.latent_dim, self.noise
        blank = linear_gaussian.blank_statistics(*shape)
        self.statistics = linear_gaussian.Statistics(
            *(
                self.param(name, lambda _, leaf=leaf: leaf)
                for name, leaf in blank._asdict().items()
            )
        )

    @exact_products
    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]`: [B], nats, exact."""
        x, now = self.flat(x), self.statistics
        if not train:
            return -self.model().log_density(x)
        fixed = jax.lax.stop_gradient(now)
        knobs = x, key, fixed, self.floor
        first = functools.partial(linear_gaussian.seeded, *knobs)
        model = seen_or_else(fixed.latents[-1, -1], self.model, first)
        return towards(-model.log_density(x), now, model.expected(x, fixed))

    def model(self) -> linear_gaussian.LinearGaussian:
        """The model as it is; standard normal noise about 0 where it saw nothing."""
        now = jax.lax.stop_gradient(self.statistics)
        size, width = self.size, self.latent_dim
        blank = linear_gaussian.LinearGaussian(
            jnp.zeros(size), jnp.zeros((size, width)), jnp.ones(size)
        )
        known = functools.partial(linear_gaussian.LinearGaussian.of, now, self.floor)
        return seen_or_else(now.latents[-1, -1], known, lambda: blank)

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` draws of x: [num, *example_shape]."""
        del train
        return self.shaped(self.model().draw(key, num))

    def code(self, x: Array, *, train: bool = False) -> Array:
        """E[z|x]: [B, K] of `x: [B, *example_shape]`."""
        del train
        return self.model().posterior(self.flat(x))[0]

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """E[x|z]: [B, *example_shape] of `z: [B, K]`."""
        del train
        return self.shaped(self.model().decode(z))

    def scores(self, x: Array, *, train: bool = False) -> dict[str, Array]:
        """`squared_error`, half the squared distance of x from E[x|E[z|x]]: [B]."""
        del train
        gap = self.flat(x) - self.flat(self.mean(self.code(x)))
        return {"squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=1)}

    def filters(self, *, train: bool = False) -> Array:
        """The loadings: [K, D]."""
        del train
        return self.model().loadings.T
