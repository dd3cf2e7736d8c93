"""Linear models with Gaussian latents, whose posterior and density are exact.

x = m + W z + e, z ~ N(0, I), e ~ N(0, diag(v)): probabilistic PCA where all noise variances v are one,
factor analysis where each dimension has its own.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import parallel, rng

Array = jax.Array

NOISES = ("isotropic", "diagonal")


class Statistics(NamedTuple):
    """Means over examples, under p(z|x), with a 1 after z.

    Attributes:
      latents: [K + 1, K + 1], E (z, 1) (z, 1)^T.
      products: [D, K + 1], E x (z, 1)^T.
      squares: E x^2, [D]; of their mean over dimensions, [], where all have one noise.
    """

    latents: Array
    products: Array
    squares: Array


class LinearGaussian(NamedTuple):
    """The model.

    Attributes:
      mean: [D], m.
      loadings: [D, K], W.
      variance: [D], v.
    """

    mean: Array
    loadings: Array
    variance: Array

    @classmethod
    def of(cls, statistics: Statistics, floor: Array | float) -> "LinearGaussian":
        """The model with these statistics, up to a factor: the M step, of the mean too.

        [W m] = E x (z, 1)^T (E (z, 1) (z, 1)^T)^-1, v = E x^2 - diag([W m] E (z, 1) x^T).

        Paper: Tipping & Bishop 1999, JRSS B 61:611-622; Ghahramani & Hinton 1996, CRG-TR-96-1
        """
        latents, products, squares = statistics
        mass = latents[-1, -1]
        both = jnp.linalg.solve(latents, products.T).T
        told = jnp.sum(both * products, axis=1)
        if not squares.ndim:
            told = jnp.mean(told)
        variance = jnp.maximum((squares - told) / mass, 0.0) + floor
        variance = jnp.broadcast_to(variance, products.shape[:1])
        return cls(both[:, -1], both[:, :-1], variance)

    def posterior(self, x: Array) -> tuple[Array, Array]:
        """Means of p(z|x), [B, K] of `x: [B, D]`, and its covariance, [K, K], one for all x."""
        weighed = self.loadings / self.variance[:, None]
        size = self.loadings.shape[1]
        precision = jnp.eye(size) + self.loadings.T @ weighed
        covariance = jnp.linalg.inv(precision)
        return (x - self.mean[None]) @ weighed @ covariance, covariance

    def log_density(self, x: Array) -> Array:
        """log p(x): [B] of `x: [B, D]`, nats.

        With z = E[z|x] the Mahalanobis distance is sum (x - m - W z)^2 / v + |z|^2, and
        log |W W^T + diag(v)| = sum log v - log |cov(z|x)|.
        """
        z, covariance = self.posterior(x)
        gap = x - self.decode(z)
        distance = jnp.sum(jnp.square(gap) / self.variance[None], axis=1)
        distance += jnp.sum(jnp.square(z), axis=1)
        log_determinant = jnp.sum(jnp.log(self.variance))
        log_determinant -= jnp.linalg.slogdet(covariance)[1]
        constant = x.shape[1] * math.log(2 * math.pi)
        return -0.5 * (distance + log_determinant + constant)

    def expected(self, x: Array, like: Statistics) -> Statistics:
        """The statistics of a batch `x: [B, D]`, of the kind of `like`."""
        z, covariance = self.posterior(x)
        count = x.shape[0]
        one = jnp.concatenate([z, jnp.ones((count, 1))], axis=1)
        latents = one.T @ one / count
        squares = jnp.mean(jnp.square(x), axis=0)
        return Statistics(
            latents + jnp.pad(covariance, (0, 1)),
            x.T @ one / count,
            squares if like.squares.ndim else jnp.mean(squares),
        )

    def decode(self, z: Array) -> Array:
        """E[x|z]: [B, D] of `z: [B, K]`."""
        return self.mean[None] + z @ self.loadings.T

    def draw(self, key: Array, num: int) -> Array:
        """`num` draws of x: [num, D]."""
        size, width = self.loadings.shape
        z = rng.normal(rng.fold(key, "latent"), (num, width))
        noise = rng.normal(rng.fold(key, "noise"), (num, size))
        return self.decode(z) + jnp.sqrt(self.variance)[None] * noise


def blank_statistics(size: int, width: int, noise: str) -> Statistics:
    """Statistics that have seen nothing, all 0.

    Raises:
      InputError: an unknown kind of noise.
    """
    if noise not in NOISES:
        raise InputError(
            f"factor_analysis.noise={noise!r} is unknown{suggest(noise, NOISES)}"
        )
    squares = jnp.zeros(()) if noise == "isotropic" else jnp.zeros(size)
    return Statistics(
        jnp.zeros((width + 1, width + 1)), jnp.zeros((size, width + 1)), squares
    )


def seeded(
    x: Array, key: Array, like: Statistics, floor: Array | float
) -> LinearGaussian:
    """Mean and variances of a batch `x: [B, D]` over all devices, and random loadings that would have
    half of the variance."""
    mean = parallel.mean_over_devices(jnp.mean(x, axis=0))
    variance = parallel.mean_over_devices(jnp.mean(jnp.square(x - mean[None]), axis=0))
    if not like.squares.ndim:
        variance = jnp.broadcast_to(jnp.mean(variance), variance.shape)
    variance = variance + floor
    width = like.latents.shape[0] - 1
    noise = jax.random.normal(rng.fold(key, "loadings"), (x.shape[1], width))
    loadings = noise * jnp.sqrt(0.5 * variance / width)[:, None]
    return LinearGaussian(mean, loadings, 0.5 * variance)
