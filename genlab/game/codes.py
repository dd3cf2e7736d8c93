"""Codes beside the noise of a generator: categories and values that a discriminator finds again."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genlab.game import rng

Array = jax.Array


class Code(NamedTuple):
    """A code in its parts, or what a discriminator says of each of them.

    Attributes:
      categories: [B, K] for each categorical code: one-hot, or logits.
      values: [B, C], the continuous codes in [-1, 1), or their means.
    """

    categories: tuple[Array, ...]
    values: Array


@dataclasses.dataclass(frozen=True)
class Codes:
    """Independent codes: categories, drawn evenly, and values, uniform in [-1, 1).

    As one array they are `[B, width]`: the categories one-hot, one after the other, then the values.

    Attributes:
      categorical: number of categories of each categorical code.
      continuous: number of continuous codes.

    Paper: Chen et al. 2016, arXiv:1606.03657
    """

    categorical: Sequence[int] = ()
    continuous: int = 0

    @property
    def width(self) -> int:
        """Numbers that a code is."""
        return sum(self.categorical) + self.continuous

    @property
    def entropy(self) -> float:
        """H(c) in nats: log K of a category of K, log 2 of a value."""
        return sum(map(math.log, self.categorical)) + self.continuous * math.log(2)

    def draw(self, key: Array, num: int) -> Array:
        """`num` codes, `[num, width]`, the same however many devices share them."""
        drawn = [
            jax.nn.one_hot(rng.classes(rng.fold(key, f"categorical/{i}"), num, k), k)
            for i, k in enumerate(self.categorical)
        ]
        shape = (num, self.continuous)
        drawn.append(rng.uniform(rng.fold(key, "continuous"), shape, -1.0, 1.0))
        return jnp.concatenate(drawn, axis=1)

    def split(self, array: Array) -> Code:
        """The parts of `array: [B, width]`."""
        ends, end = [], 0
        for k in self.categorical:
            end += k
            ends.append(end)
        *categories, values = jnp.split(array, ends, axis=1)
        return Code(tuple(categories), values)
