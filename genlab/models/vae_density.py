"""A small VAE as a density, for the second stage of a VAE on codes."""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.models.density import Density
from genlab.models.mlp import MlpDecoder, MlpEncoder
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class VaeDensity(Density):
    """Perceptrons q(u|x) and p(x|u), u standard normal, with one learned scale of x.

    On the codes of a VAE, with as many latents as those have numbers, it is the second stage of a
    two-stage VAE: on codes that fill their space its aggregate posterior comes close to the prior.

    Attributes:
      example_shape: as of `Density`.
      latent_dim: numbers in u.
      hidden: widths of the hidden layers of both perceptrons.
      activation: name of the function after each hidden layer.
      dtype: type of the computation.

    Paper: Dai & Wipf 2019, arXiv:1903.05789
    """

    COST = "negative_elbo"

    latent_dim: Count = 10
    hidden: Sequence[Count] = (256, 256)
    activation: str = "relu"

    def setup(self) -> None:
        knobs = dict(hidden=self.hidden, activation=self.activation, dtype=self.dtype)
        self.encoder = MlpEncoder(self.latent_dim, **knobs)
        self.decoder = MlpDecoder((self.size,), **knobs)
        self.log_scale = self.param("log_scale", nn.initializers.zeros_init(), ())

    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """The negative ELBO of one draw of u, of `x: [B, *example_shape]`: [B], nats."""
        x = self.flat(x)
        mean, log_variance = self.encoder(x, train=train)
        noise = rng.normal(key, mean.shape)
        outputs = self.decoder(mean + jnp.exp(0.5 * log_variance) * noise)
        gaps = jnp.square((x - outputs) * jnp.exp(-self.log_scale))
        told = self.size * (self.log_scale + 0.5 * math.log(2 * math.pi))
        kl = jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance
        return 0.5 * jnp.sum(gaps, axis=1) + told + 0.5 * jnp.sum(kl, axis=1)

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` draws of x, with the noise of p(x|u): [num, *example_shape]."""
        del train
        u = rng.normal(rng.fold(key, "latent"), (num, self.latent_dim))
        noise = rng.normal(rng.fold(key, "noise"), (num, self.size))
        return self.shaped(self.decoder(u) + jnp.exp(self.log_scale) * noise)

    def code(self, x: Array, *, train: bool = False) -> Array:
        """Mean of q(u|x): [B, latent_dim] of `x: [B, *example_shape]`."""
        del train
        return self.encoder(self.flat(x))[0]

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """Mean of p(x|u): [B, *example_shape] of `z: [B, latent_dim]`."""
        del train
        return self.shaped(self.decoder(z))
