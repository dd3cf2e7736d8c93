"""A dense layer some of whose weights are always zero."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class MaskedDense(nn.Module):
    """`x @ (kernel * mask) + bias`, by which an output sees some of the inputs alone.

    Attributes:
      mask: [inputs, outputs] bool, where weights may differ from 0.
      dtype: type of the computation.
      use_bias: whether a bias is added.

    Paper: Germain et al. 2015, arXiv:1502.03509
    """

    mask: Any
    dtype: Any = jnp.float32
    use_bias: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[B, outputs] of `x: [B, inputs]`."""
        shape = self.mask.shape
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        y = x.astype(self.dtype) @ (kernel * self.mask).astype(self.dtype)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, shape[1:])
        return y + bias.astype(self.dtype)[None]
