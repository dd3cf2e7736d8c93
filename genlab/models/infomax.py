"""The encoder of Deep InfoMax, whose code and map of local features are compared."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.activation import activation
from genlab.nn.convolution import Conv
from genlab.nn.norm import BatchNorm
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class InfomaxEncoder(nn.Module):
    """Strided 4x4 convolutions to a map of local features, and dense layers from it to a code.

    Batch normalisation and ReLU after each layer but the last. At 32 px with its defaults it is the paper's.

    Paper: Hjelm et al. 2019, arXiv:1808.06670, appendix A

    Attributes:
      latent_dim: width Z of the code.
      channels: of each convolution, which halves the image; the last makes the local features.
      hidden: width of the dense layer between.
      code_activation: name of the function that makes the code; `sigmoid` for a uniform prior on it.
      dtype: type of the computation.
    """

    latent_dim: Count = 64
    channels: Sequence[Count] = (64, 128, 256)
    hidden: Count = 1024
    code_activation: str = "sigmoid"
    dtype: Any = jnp.float32

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C]` to codes [B, Z], float32."""
        return self.map_and_code(x, train=train)[1]

    @nn.compact
    def map_and_code(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Of `x: [B, H, W, C]` local features, [B, h, w, channels[-1]], and the code of them, [B, Z]."""
        y = x.astype(self.dtype)
        options = dict(use_bias=False, dtype=self.dtype)
        for i, channels in enumerate(self.channels):
            y = Conv(channels, 4, 2, name=f"conv_{i}", **options)(y)
            y = nn.relu(BatchNorm(name=f"norm_{i}")(y, train=train))
        local = y.astype(jnp.float32)
        y = nn.Dense(self.hidden, name="hidden", **options)(y.reshape(y.shape[0], -1))
        y = nn.relu(BatchNorm(name="norm_hidden")(y, train=train))
        code = nn.Dense(self.latent_dim, dtype=self.dtype, name="code")(y)
        return local, activation(self.code_activation)(code.astype(jnp.float32))
