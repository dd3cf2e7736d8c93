"""The smallest GAN: a point and a line, whose game can be worked out by hand."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.numbers import Coordinate
from genlab.registry import models

Array = jax.Array


@models.register
class DiracGenerator(nn.Module):
    """One point theta for every latent, begun at `start`.

    Paper: Mescheder et al. 2018, arXiv:1801.04406, section 2

    Attributes:
      start: theta before the first round.
      dtype: type of the computation.
    """

    start: Coordinate = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """theta for each of `x: [B, Z]`: [B, 1]."""
        del train
        theta = self.param("theta", nn.initializers.constant(self.start), (1,))
        theta = theta.astype(self.dtype).astype(jnp.float32)
        return jnp.tile(theta[None], (x.shape[0], 1))


@models.register
class DiracDiscriminator(nn.Module):
    """The logit psi x, begun at `start`.

    Paper: Mescheder et al. 2018, arXiv:1801.04406, section 2

    Attributes:
      start: psi before the first round.
      dtype: type of the computation.
    """

    start: Coordinate = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """psi x of `x: [B, 1]`: [B].

        Raises:
          InputError: examples that are not one number each.
        """
        del train
        if x.shape[1:] != (1,):
            raise InputError(
                f"'dirac_discriminator' judges points of a line, [1], as 'point' has them, not"
                f" {list(x.shape[1:])}"
            )
        psi = self.param("psi", nn.initializers.constant(self.start), (1,))
        return (x[:, 0].astype(self.dtype) * psi.astype(self.dtype)).astype(jnp.float32)
