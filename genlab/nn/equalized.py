"""Layers whose weights are drawn with variance 1 and scaled at run time, as StyleGAN's are."""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv
from genlab.nn.resample import blurred

Array = jax.Array


def leaky_relu(x: Array) -> Array:
    """sqrt(2) times the leaky ReLU of slope 0.2, which keeps the second moment."""
    return math.sqrt(2) * nn.leaky_relu(x, 0.2)


class EqualizedDense(nn.Module):
    """f(W x / sqrt(D) + b), W drawn with variance 1, so that Adam moves all layers alike.

    Paper: Karras et al. 2018, arXiv:1710.10196

    Attributes:
      features: width of the result.
      function: f; None for none.
      rate: learning rate of this layer relative to the others', by which W is drawn larger and scaled
        smaller, and b scaled.
      bias: that b starts at, after the scaling.
      dtype: type of the computation.
    """

    features: int
    function: Callable[[Array], Array] | None = None
    rate: float = 1.0
    bias: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, D]` to [B, features]."""
        drawn = nn.initializers.normal(1 / self.rate)
        kernel = self.param("kernel", drawn, (x.shape[-1], self.features))
        start = nn.initializers.constant(self.bias / self.rate)
        bias = self.rate * self.param("bias", start, (self.features,))
        kernel = (self.rate / math.sqrt(x.shape[-1])) * kernel
        y = x.astype(self.dtype) @ kernel.astype(self.dtype)
        y = y + bias.astype(self.dtype)[None]
        return self.function(y) if self.function else y


class EqualizedConv(nn.Module):
    """f(W * x / sqrt(h w C) + b) as `EqualizedDense`, and half as large where it is asked for.

    An image is halved by smoothing it with (1, 3, 3, 1) / 8 before a convolution of stride 2.

    Paper: Karras et al. 2018, arXiv:1710.10196; smoothing: Karras et al. 2020, arXiv:1912.04958

    Attributes:
      features: channels of the result.
      kernel_size: 1 or 3.
      function: f; None for none.
      halves: whether the image is halved.
      use_bias: whether there is b.
      dtype: type of the computation.
    """

    features: int
    kernel_size: int
    function: Callable[[Array], Array] | None = None
    halves: bool = False
    use_bias: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, H, W, C]` to [B, H, W, features], or half of both sides."""
        fan_in = self.kernel_size**2 * x.shape[-1]
        reach = self.kernel_size // 2
        if self.halves:
            x = blurred(x, 1 + reach, 1 + reach)
        y = Conv(
            self.features,
            self.kernel_size,
            strides=2 if self.halves else 1,
            padding="VALID" if self.halves else reach,
            use_bias=False,
            dtype=self.dtype,
            kernel_init=nn.initializers.normal(1.0),
            name="conv",
        )(x)
        y = y / math.sqrt(fan_in)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,))
            y = y + bias.astype(y.dtype)[None, None, None]
        return self.function(y) if self.function else y
