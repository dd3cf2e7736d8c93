"""A network that sees a time, told the class, which may be hidden."""

from typing import Any

import flax.linen as nn
import jax

from genlab.models.wrapper import Wrapper
from genlab.nn.classes import looked_up
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Guided(Wrapper):
    """A network that sees a time, such as `time_mlp`, `time_unet` or `dit`, with a learned vector of the class.

    The class `num_classes` stands for none, which classifier-free guidance needs.

    Paper: Ho & Salimans 2022, arXiv:2207.12598

    Attributes:
      network: the network inside.
      num_classes: number of classes.
      width: of the vector.
    """

    num_classes: Count
    width: Count = 32

    @property
    def example_shape(self) -> Any:
        """Of the network inside."""
        return self.network.example_shape

    @nn.compact
    def __call__(
        self, x: Array, time: Array, label: Array, *, train: bool = False
    ) -> Array:
        """What the network makes of `x: [B, ...]` at `time: [B]` for `label: [B]` int in [0, num_classes]."""
        table = nn.Embed(self.num_classes + 1, self.width, name="embed")
        vector = looked_up(table.embedding, label)
        return self.network(x, time, vector, train=train)
