"""Any network with the class of the example beside its input."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Conditional(nn.Module):
    """A network that sees an embedding of the class: after a latent, as channels of an image.

    Paper: Mirza & Osindero 2014, arXiv:1411.1784

    Attributes:
      network: the network inside, `dict(name="dcgan_generator", width=32)`.
      num_classes: number of classes.
      width: of the embedding.
    """

    network: Any = dataclasses.field(metadata={"part": "models"})
    num_classes: Count
    width: Count = 16

    @property
    def output_range(self) -> tuple[float, float] | None:
        """Of the examples that the network inside makes, where it has one."""
        return getattr(self.network, "output_range", None)

    @property
    def bounds_slope(self) -> bool:
        """Whether the weights of the network inside bound its slope."""
        return getattr(self.network, "bounds_slope", False)

    @nn.compact
    def __call__(self, x: Array, label: Array, *, train: bool = False) -> Any:
        """What the network makes of `x: [B, ..., C]` and `label: [B]` int in [0, num_classes)."""
        embedding = nn.Embed(self.num_classes, self.width, name="embed")(label)
        middle = (1,) * (x.ndim - 2)
        embedding = embedding.reshape(x.shape[0], *middle, self.width)
        shape = (*x.shape[:-1], self.width)
        seen = jnp.concatenate([x, jnp.broadcast_to(embedding, shape)], axis=-1)
        return self.network(seen, train=train)
