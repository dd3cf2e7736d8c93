"""Sigmoid layers of a deep belief network, each walked in its own direction."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class BeliefLayers(nn.Module):
    """Layers `layer_0`, `layer_1`, ... between an example and the states of a top machine.

    Kernels are [in, out] as seen from the example, whichever way they are walked, so that both
    directions can start from the weights of one machine.

    Attributes:
      widths: units of each layer above the example.
      example_shape: shape of an example, (H, W, C) or (D,).
      downward: whether they generate, from the top to the example, or recognise.
      dtype: type of the computation.
    """

    widths: Sequence[Count]
    example_shape: Sequence[Count]
    downward: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, states: Array, *, train: bool = False) -> Array:
        """Means at the far end, by means on the way: [B, widths[-1]] of `states: [B, ...]`.

        Downward, [B, D] of `states: [B, widths[-1]]`.
        """
        del train
        sizes = [math.prod(self.example_shape), *self.widths]
        order = range(len(self.widths))
        mean = states.reshape(states.shape[0], -1)
        for index in reversed(order) if self.downward else order:
            shape = (sizes[index], sizes[index + 1])
            layer = _Layer(shape, self.downward, self.dtype, name=f"layer_{index}")
            mean = jax.nn.sigmoid(layer(mean))
        return mean

    def logits(self, params: dict[str, Any], states: Array, index: int) -> Array:
        """Logits of the layer's output at states of its input: [B, N]."""
        layer = params[f"layer_{index}"]
        return _logits(
            states, layer["kernel"], layer["bias"], self.downward, self.dtype
        )


class _Layer(nn.Module):
    shape: tuple[int, int]
    downward: bool
    dtype: Any

    @nn.compact
    def __call__(self, states: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(0.01), self.shape)
        units = self.shape[0] if self.downward else self.shape[1]
        bias = self.param("bias", nn.initializers.zeros_init(), (units,))
        return _logits(states, kernel, bias, self.downward, self.dtype)


def _logits(
    states: Array, kernel: Array, bias: Array, downward: bool, dtype: Any
) -> Array:
    products = jnp.matmul(
        states.astype(dtype),
        (kernel.T if downward else kernel).astype(dtype),
        preferred_element_type=jnp.float32,
    )
    return products + bias[None]
