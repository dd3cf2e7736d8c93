"""Priors over codes that are learned: mixtures of Gaussians.

A prior is called with the encoder as a function, `encode: [K, ...] -> mean and log-variance, [K, Z]`, and
gives the logarithms of its weights, [K], and the means and log-variances of its parts.
"""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class MixturePrior(nn.Module):
    """Gaussians of independent dimensions whose weights, means and variances are learned.

    Paper: Dilokthanakul et al. 2016, arXiv:1611.02648; as the baseline of Tomczak & Welling 2018,
      arXiv:1705.07120

    Attributes:
      latent_dim: width Z of the code.
      components: Gaussians K.
    """

    latent_dim: Count
    components: Count = 10

    @nn.compact
    def __call__(self, encode: Callable, *, train: bool = False) -> tuple[Array, ...]:
        """Log weights [K], means and log-variances, [K, Z]; it has no use for the encoder."""
        del encode, train
        shape = (self.components, self.latent_dim)
        logits = self.param("logits", nn.initializers.zeros, shape[:1])
        mean = self.param("mean", nn.initializers.normal(1.0), shape)
        log_variance = self.param("log_variance", nn.initializers.zeros, shape)
        return nn.log_softmax(logits), mean, log_variance


@models.register
class VampPrior(nn.Module):
    """The mean of q(z|u) over pseudo-inputs u, images in (0, 1) that are learned.

    It is what the aggregate posterior would be if the u were the data. It serves encoders that take no
    label.

    Paper: Tomczak & Welling 2018, arXiv:1705.07120

    Attributes:
      example_shape: shape of one example, (H, W, C) or (D,).
      components: pseudo-inputs K.
    """

    example_shape: Sequence[Count]
    components: Count = 100

    @nn.compact
    def __call__(self, encode: Callable, *, train: bool = False) -> tuple[Array, ...]:
        """Log weights [K] and what the encoder makes of the pseudo-inputs."""
        del train
        shape = (self.components, *self.example_shape)
        inputs = nn.sigmoid(self.param("inputs", nn.initializers.normal(1.0), shape))
        even = jnp.full(self.components, -jnp.log(self.components))
        return even, *encode(inputs)
