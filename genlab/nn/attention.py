"""Attention of the pixels of an image to each other."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv

Array = jax.Array


class SelfAttention(nn.Module):
    """x + gamma o(x): every pixel adds what it attends to among all pixels.

    With 1x1 convolutions q and k to an eighth of the channels and v to a half,
    o_i = W sum over j of softmax_j(q_i . k_j) v_j; keys and values are the largest of 2x2 pixels.
    gamma starts at 0.

    Paper: Zhang et al. 2019, arXiv:1805.08318

    Attributes:
      dtype: type of the computation; the softmax is float32.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, H, W, C]`, of sides of 2 or more, to the same shape."""
        batch, channels = x.shape[0], x.shape[-1]

        def project(name: str, width: int, y: Array) -> Array:
            options = dict(use_bias=False, dtype=self.dtype, name=name)
            return Conv(max(width, 1), 1, **options)(y)

        def pooled(y: Array) -> Array:
            y = nn.max_pool(y, (2, 2), (2, 2))
            return y.reshape(batch, -1, y.shape[-1])

        query = project("query", channels // 8, x).reshape(
            batch, -1, max(channels // 8, 1)
        )
        key = pooled(project("key", channels // 8, x))
        value = pooled(project("value", channels // 2, x))
        scores = jnp.einsum("bqc,bkc->bqk", query, key).astype(jnp.float32)
        weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
        seen = jnp.einsum("bqk,bkc->bqc", weights, value)
        seen = project("out", channels, seen.reshape(*x.shape[:3], -1))
        gamma = self.param("gamma", nn.initializers.zeros, ())
        return x + gamma.astype(x.dtype) * seen
