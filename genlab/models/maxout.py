"""A perceptron whose units take the largest of several linear maps."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.maxout import Maxout
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class MaxoutDiscriminator(nn.Module):
    """Perceptron of maxout units that scores examples; also a critic.

    By default PacGAN's for points in the plane, three layers of 200 units with five pieces each.

    Paper: Lin, Khetan, Fanti & Oh 2018, arXiv:1712.04086; maxout: Goodfellow et al. 2013,
      arXiv:1302.4389

    Attributes:
      hidden: units of the hidden layers.
      pieces: linear maps of each unit.
      dtype: type of the computation.
    """

    hidden: Sequence[Count] = (200, 200, 200)
    pieces: Count = 5
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.trunk = [
            Maxout(units, self.pieces, dtype=self.dtype, name=f"hidden_{i}")
            for i, units in enumerate(self.hidden)
        ]
        self.head = nn.Dense(1, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The last hidden layer of `x: [B, ...]`: [B, hidden[-1]], float32."""
        del train
        y = x.reshape(x.shape[0], -1).astype(self.dtype)
        for layer in self.trunk:
            y = layer(y)
        return y.astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B], float32, high for real ones."""
        return self.head(self.features(x, train=train))[:, 0].astype(jnp.float32)
