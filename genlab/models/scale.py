"""The scale of a likelihood as something that is learned."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.registry import models

Array = jax.Array


@models.register
class SharedScale(nn.Module):
    """One scale for all features of all examples.

    Its optimum is the root of the mean squared error of the reconstructions.

    Paper: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202
    """

    @nn.compact
    def __call__(self, z: Array, *, train: bool = False) -> Array:
        """The logarithm of the scale, [], whatever the codes `z: [B, Z]`; it starts at 0."""
        del z, train
        return self.param("log_scale", nn.initializers.zeros, (), jnp.float32)
