"""The residual network of small images that representations are compared by."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv
from genlab.nn.norm import BatchNorm
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

_he = nn.initializers.he_normal()


@models.register
class ResnetEncoder(nn.Module):
    """ResNet from an image to a code: a 3x3 convolution, stages of residual blocks, the mean over pixels.

    Each stage but the first halves the image and doubles the channels. With width 64 and two blocks in
    each of four stages it is the ResNet-18 for CIFAR-10, with codes of 512.

    Paper: He et al. 2016, arXiv:1512.03385; for small images: Chen et al. 2020, arXiv:2002.05709, appendix B.9

    Attributes:
      width: channels of the first stage.
      blocks: residual blocks of each stage.
      dtype: type of the computation.
    """

    width: Count = 64
    blocks: Sequence[Count] = (2, 2, 2, 2)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, H, W, C]` to codes [B, width 2^(stages - 1)], 0 or more, float32."""
        y = x.astype(self.dtype)
        y = Conv(
            self.width,
            3,
            use_bias=False,
            dtype=self.dtype,
            kernel_init=_he,
            name="stem",
        )(y)
        y = nn.relu(BatchNorm(name="norm")(y, train=train))
        for stage, count in enumerate(self.blocks):
            for i in range(count):
                stride = 2 if stage and not i else 1
                name = f"block_{stage}_{i}"
                y = _Block(self.width * 2**stage, stride, self.dtype, name=name)(
                    y, train=train
                )
        return jnp.mean(y.astype(jnp.float32), axis=(1, 2))


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    features: int
    stride: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        def layer(y: Array, size: int, stride: int, name: str) -> Array:
            options = dict(use_bias=False, dtype=self.dtype, kernel_init=_he)
            y = Conv(self.features, size, stride, name=f"conv_{name}", **options)(y)
            return BatchNorm(name=f"norm_{name}")(y, train=train)

        y = nn.relu(layer(x, 3, self.stride, "0"))
        y = layer(y, 3, 1, "1")
        if x.shape[-1] != self.features or self.stride > 1:
            x = layer(x, 1, self.stride, "shortcut")
        return nn.relu(x + y)
