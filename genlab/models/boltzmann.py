"""A general Boltzmann machine as a module."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.boltzmann.general import GeneralMachine
from genlab.numbers import Count, NonNegative, Whole
from genlab.registry import models

Array = jax.Array


@models.register
class Boltzmann(nn.Module):
    """Units of an example and hidden ones, all connected; as a network, one step of hidden means.

    Attributes:
      example_shape: shape of an example, (H, W, C) or (D,).
      hidden: hidden units; 0 for a fully visible machine.
      std: standard deviation of the initial couplings.
      dtype: type of the computation.

    Paper: Ackley, Hinton & Sejnowski 1985, Cogn. Sci. 9:147-169
    """

    example_shape: Sequence[Count]
    hidden: Whole = 0
    std: NonNegative = 0.01
    dtype: Any = jnp.float32

    @property
    def visible(self) -> int:
        """Units of an example."""
        return math.prod(self.example_shape)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Means of the hidden units at `x: [B, ...]` with all hidden units off: [B, hidden]."""
        del train
        count = self.visible + self.hidden
        normal, zeros = nn.initializers.normal(self.std), nn.initializers.zeros_init()
        params = {
            "kernel": self.param("kernel", normal, (count, count)),
            "bias": self.param("bias", zeros, (count,)),
        }
        v = x.reshape(x.shape[0], -1)
        states = jnp.pad(v, ((0, 0), (0, self.hidden)))
        return jax.nn.sigmoid(self.machine(params).field(states)[:, self.visible :])

    def machine(self, params: dict[str, Any]) -> GeneralMachine:
        """The machine of the parameters; the kernel counts above its diagonal."""
        upper = jnp.triu(params["kernel"], 1)
        # Rounded to the compute type: a machine's couplings are its only products.
        upper = upper.astype(self.dtype).astype(jnp.float32)
        return GeneralMachine(upper + upper.T, params["bias"])
