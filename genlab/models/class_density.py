"""An autoregressive density that is told the class of an example."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax

from genlab.errors import InputError
from genlab.models.autoregressive import Autoregressive
from genlab.models.density import Density
from genlab.nn.classes import looked_up
from genlab.numbers import Count
from genlab.part import name_of
from genlab.registry import models

Array = jax.Array


@models.register
class ClassDensity(Density):
    """log P(x | class) by an autoregressive model that sees a learned vector of the class in every layer.

    Attributes:
      example_shape: as of `Density`.
      network: the model inside, `dict(name="pixel_cnn")`.
      num_classes: number of classes.
      width: of the vector.
      dtype: type of the computation.

    Paper: van den Oord et al. 2016, arXiv:1606.05328, section 2.3
    """

    network: Any = dataclasses.field(kw_only=True, metadata={"part": "models"})
    num_classes: Count = dataclasses.field(kw_only=True)
    width: Count = 32

    def setup(self) -> None:
        if not isinstance(self.network, Autoregressive):
            raise InputError(
                f"'class_density' needs an autoregressive network inside, such as 'pixel_cnn' or 'made', not"
                f" {name_of(self.network)!r}"
            )
        self.embed = nn.Embed(self.num_classes, self.width)

    @property
    def levels(self) -> int:
        """Of the network inside; so `low`, `high` and `ordered`."""
        return self.network.levels

    @property
    def low(self) -> float:
        return self.network.low

    @property
    def high(self) -> float:
        return self.network.high

    @property
    def ordered(self) -> bool:
        return self.network.ordered

    def bits_per_dimension(self, cost: Array) -> Array:
        """As of the network inside."""
        return self.network.bits_per_dimension(cost)

    def __call__(
        self, x: Array, key: Array, label: Array, *, train: bool = False
    ) -> Array:
        """-log P of the levels of `x: [B, *example_shape]` of classes `label: [B]`: [B], nats."""
        return self.network(x, key, self._vector(label), train=train)

    def draw(self, key: Array, num: int, label: Array, *, train: bool = False) -> Array:
        """`num` examples of classes `label: [num]`: [num, *example_shape]."""
        del train
        return self.network.draw(key, num, self._vector(label))

    def _vector(self, label: Array) -> Array:
        return looked_up(self.embed.embedding, label)
