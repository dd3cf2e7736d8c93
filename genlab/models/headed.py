"""An encoder under a linear classifier, so that a trained one of any family fits in."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.models.wrapper import Wrapper
from genlab.nn.activation import activation
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Headed(Wrapper):
    """Logits of the classes from the code of a network inside; of a posterior, from its mean.

    Attributes:
      network: the network inside, `dict(name="conv_encoder", latent_dim=32)`.
      num_classes: number of classes.
      widths: units of the hidden layers between code and logits; empty for none.
      activation: name of the function after each of them.
      dtype: type of the computation.
    """

    num_classes: Count
    widths: Sequence[Count] = ()
    activation: str = "relu"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.layers = [nn.Dense(width, dtype=self.dtype) for width in self.widths]
        self.head = nn.Dense(self.num_classes, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The code of `x: [B, ...]`: [B, Z], float32."""
        return first_of(self.network(x, train=train)).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B, num_classes], float32."""
        y = self.features(x, train=train)
        for layer in self.layers:
            y = activation(self.activation)(layer(y))
        return self.head(y).astype(jnp.float32)


def first_of(outputs: Any) -> Array:
    """The code [B, Z] that an encoder makes, or the mean of its posterior."""
    code = outputs[0] if isinstance(outputs, tuple | list) else outputs
    return code.reshape(code.shape[0], -1)
