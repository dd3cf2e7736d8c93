"""A perceptron that sees a time."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.time import TimeEmbedding
from genlab.numbers import Count, Whole
from genlab.registry import models

Array = jax.Array


@models.register
class TimeMlp(nn.Module):
    """From an example and a time to something of the example's shape, for points and small images.

    Every hidden layer is h <- silu(W h + V e) with e of the time; from the second on it is added to what comes
    in where the widths are equal. The last layer starts at 0.

    Attributes:
      example_shape: shape of one example, (H, W, C) or (D,).
      hidden: widths of the hidden layers.
      width: of the vector of the time.
      waves: how many frequencies of each coordinate the first layer sees beside it, sin and cos of
        2^k x for k = 0, 1, ..., without which a narrow mode is too sharp for it; 0 for none.
      dtype: type of the computation.

    Paper: waves: Kingma et al. 2021, arXiv:2107.00630; Tancik et al. 2020, arXiv:2006.10739
    """

    example_shape: Sequence[Count]
    hidden: Sequence[Count] = (256, 256, 256)
    width: Count = 64
    waves: Whole = 0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        time: Array,
        condition: Array | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """`x: [B, ...]`, `time: [B]` and a `condition: [B, C]` or none to [B, ...], float32."""
        when = TimeEmbedding(self.width, name="time")(time, condition).astype(
            self.dtype
        )
        h = self._seen(x.reshape(x.shape[0], -1)).astype(self.dtype)
        for i, width in enumerate(self.hidden):
            dense = nn.Dense(width, dtype=self.dtype, name=f"hidden_{i}")
            shift = nn.Dense(width, use_bias=False, dtype=self.dtype, name=f"time_{i}")
            new = nn.silu(dense(h) + shift(when))
            h = h + new if i and h.shape == new.shape else new
        head = nn.Dense(
            x[0].size,
            kernel_init=nn.initializers.zeros,
            dtype=self.dtype,
            name="head",
        )
        return head(h).reshape(x.shape).astype(jnp.float32)

    def _seen(self, x: Array) -> Array:
        """[B, (1 + 2 waves) D] of `x: [B, D]`."""
        angles = x[:, None] * (2.0 ** jnp.arange(self.waves))[None, :, None]
        seen = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=1)
        return jnp.concatenate([x, seen.reshape(x.shape[0], -1)], axis=1)
