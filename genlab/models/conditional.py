"""Any network with the class of the example, or a sentence about it, beside its input."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.models.wrapper import Wrapper
from genlab.nn.classes import looked_up
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Conditional(Wrapper):
    """A network that sees an embedding of the class: after a latent, as channels of an image.

    Paper: Mirza & Osindero 2014, arXiv:1411.1784; with a sentence: Reed et al. 2016, arXiv:1605.05396

    Attributes:
      network: the network inside, `dict(name="dcgan_generator", width=32)`.
      num_classes: number of classes.
      width: of the embedding.
      embedding: what makes a vector of the class, `dict(name="sentence")` from the words of its name,
        whose width it then is; None for a learned vector of each class.
    """

    num_classes: Count
    width: Count = 16
    embedding: Any = dataclasses.field(default=None, metadata={"part": "models"})

    def __call__(self, x: Array, label: Array, *, train: bool = False) -> Any:
        """What the network makes of `x: [B, ..., C]` and of `label: [B]` int in [0, num_classes), or of
        weights of all classes, [B, num_classes], for the mean of their vectors."""
        return self.network(self._seen(x, label, train), train=train)

    def features(self, x: Array, label: Array, *, train: bool = False) -> Array:
        """What the last linear layer of the network inside sees, [B, F]."""
        return self.inner_features(self._seen(x, label, train), train=train)

    @nn.compact
    def _seen(self, x: Array, label: Array, train: bool) -> Array:
        if self.embedding is not None:
            vector = self.embedding(label, train=train)
        else:
            table = nn.Embed(self.num_classes, self.width, name="embed")
            vector = looked_up(table.embedding, label)
        middle = (1,) * (x.ndim - 2)
        vector = vector.reshape(x.shape[0], *middle, vector.shape[-1])
        shape = (*x.shape[:-1], vector.shape[-1])
        return jnp.concatenate([x, jnp.broadcast_to(vector, shape)], axis=-1)
