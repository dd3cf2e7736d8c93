"""Dropout whose masks do not depend on how many devices share the batch."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.numbers import within

Array = jax.Array


class Dropout(nn.Module):
    """Sets elements to 0 with probability `rate` in training and scales up the others.

    Masks come from the random stream `dropout` and from each example's place in the global batch.

    Paper: Srivastava et al. 2014, JMLR 15 (56)

    Attributes:
      rate: probability of a 0, in [0, 0.99]; a float or a traced scalar. None draws no masks at all.
    """

    rate: float | Array | None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """`x: [B, ...]`, masked with `train` and unchanged otherwise."""
        if self.rate is not None:
            within("dropout", self.rate, 0.0, 0.99)
        if not train or self.rate is None:
            return x
        kept = rng.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
        return jnp.where(kept, x / jnp.asarray(1 - self.rate, x.dtype), 0)
