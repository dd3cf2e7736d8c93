"""A convolution of groups of channels apart."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn import lowering
from genlab.nn.products import Geometry

Array = jax.Array


class GroupedConv(nn.Module):
    """Each of `groups` equal parts of the channels goes through a convolution of its own, without bias.

    Paper: Xie et al. 2017, arXiv:1611.05431

    Attributes:
      features: channels of the result, a multiple of `groups`.
      kernel_size: side of the kernel, odd.
      groups: parts of the channels.
      dtype: type of the computation.
      kernel_init: initializer of the kernel of a group, [k, k, C / groups, features / groups].
    """

    features: int
    kernel_size: int
    groups: int
    dtype: Any = jnp.float32
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, H, W, C]` to [B, H, W, features].

        Raises:
          InputError: `groups` does not divide the channels.
        """
        batch, height, width, channels = x.shape
        if channels % self.groups or self.features % self.groups:
            raise InputError(
                f"groups={self.groups} do not divide {channels} channels into {self.features};"
                " take a number that divides both"
            )
        size, reach = (self.kernel_size, self.kernel_size), self.kernel_size // 2
        inner = (*size, channels // self.groups, self.features // self.groups)

        def drawn(key: Array) -> Array:
            draw = lambda key: self.kernel_init(key, inner, jnp.float32)
            return jax.vmap(draw)(jax.random.split(key, self.groups))

        kernel = self.param("kernel", drawn)
        pads = ((reach, reach), (reach, reach))
        geometry = Geometry((height, width), size, (1, 1), pads, (1, 1))
        convolve = functools.partial(lowering.convolve, geometry=geometry)
        parts = x.astype(self.dtype).reshape(batch, height, width, self.groups, -1)
        y = jax.vmap(convolve, (3, 0), 3)(parts, kernel.astype(self.dtype))
        return y.reshape(batch, height, width, self.features)
