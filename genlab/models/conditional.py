"""Any network with the class of the example beside its input."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.models.wrapper import Wrapper
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Conditional(Wrapper):
    """A network that sees an embedding of the class: after a latent, as channels of an image.

    Paper: Mirza & Osindero 2014, arXiv:1411.1784

    Attributes:
      network: the network inside, `dict(name="dcgan_generator", width=32)`.
      num_classes: number of classes.
      width: of the embedding.
    """

    num_classes: Count
    width: Count = 16

    def __call__(self, x: Array, label: Array, *, train: bool = False) -> Any:
        """What the network makes of `x: [B, ..., C]` and `label: [B]` int in [0, num_classes)."""
        return self.network(self._seen(x, label), train=train)

    def features(self, x: Array, label: Array, *, train: bool = False) -> Array:
        """What the last linear layer of the network inside sees, [B, F]."""
        return self.inner_features(self._seen(x, label), train=train)

    @nn.compact
    def _seen(self, x: Array, label: Array) -> Array:
        embedding = nn.Embed(self.num_classes, self.width, name="embed")(label)
        middle = (1,) * (x.ndim - 2)
        embedding = embedding.reshape(x.shape[0], *middle, self.width)
        shape = (*x.shape[:-1], self.width)
        return jnp.concatenate([x, jnp.broadcast_to(embedding, shape)], axis=-1)
