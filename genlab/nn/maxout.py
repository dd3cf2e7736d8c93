"""Units that take the largest of several linear maps."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class Maxout(nn.Module):
    """max over p of W_p x + b_p, a convex function of the input that is learned.

    Paper: Goodfellow et al. 2013, arXiv:1302.4389

    Attributes:
      features: units.
      pieces: linear maps of each unit.
      dtype: type of the computation.
    """

    features: int
    pieces: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, D]` to [B, features]; maps of a unit lie side by side in the kernel."""
        maps = nn.Dense(self.features * self.pieces, dtype=self.dtype, name="maps")(x)
        return maps.reshape(*x.shape[:-1], self.features, self.pieces).max(axis=-1)
