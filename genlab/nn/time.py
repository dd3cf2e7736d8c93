"""A time in [0, 1] as a vector that networks can read."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.numbers import Count

Array = jax.Array
SLOWEST, FASTEST = 1.0, 1000.0  # angular frequencies


class TimeEmbedding(nn.Module):
    """Sines and cosines of a time at frequencies that are spread evenly by ratio, through two layers.

    Attributes:
      width: of the vector.

    Paper: Vaswani et al. 2017, arXiv:1706.03762; Ho, Jain & Abbeel 2020, arXiv:2006.11239
    """

    width: Count

    @nn.compact
    def __call__(self, time: Array, condition: Array | None = None) -> Array:
        """[B, width] of `time: [B]` and, added to it, of a `condition: [B, C]`; float32."""
        half = max(self.width // 2, 1)
        rates = jnp.geomspace(SLOWEST, FASTEST, half)
        angles = time[:, None] * rates[None]
        waves = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)
        seen = nn.Dense(self.width, name="waves")(waves)
        if condition is not None:
            seen = seen + nn.Dense(self.width, name="condition")(condition)
        return nn.Dense(self.width, name="out")(nn.silu(seen))
