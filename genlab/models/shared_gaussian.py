"""A posterior that knows nothing of its example, for inference without an encoder."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class SharedGaussian(nn.Module):
    """One learned Gaussian for all examples in the role of an encoder, at first the standard normal.

    It is where `refine_steps` start from: stochastic variational inference of each example by itself, of
    all examples of a batch at once, through which the start is learned.

    Attributes:
      latent_dim: width Z of the code.

    Paper: Hoffman, Blei, Wang & Paisley 2013, JMLR 14:1303-1347
    """

    latent_dim: Count

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Mean and log-variance, `[B, Z]` each of `x: [B, ...]`, the same in every row; float32."""
        del train
        width = (self.latent_dim,)
        parts = [
            self.param(name, nn.initializers.zeros, width)
            for name in ("mean", "log_variance")
        ]
        mean, log_variance = (jnp.broadcast_to(one, (len(x), *width)) for one in parts)
        return mean, log_variance
