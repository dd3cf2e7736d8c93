"""What every autoregressive model is: a density of whole levels, one number after the other."""

import math
from typing import Annotated

import jax
import jax.numpy as jnp
import optax

from genlab.game import rng
from genlab.models.density import Density
from genlab.nn.levels import level_of, value_of
from genlab.numbers import Range

Array = jax.Array


class Autoregressive(Density):
    """Abstract: log P(x) = sum_i log P(x_i | x_1, ..., x_{i-1}) of levels x_i, in the order of rows; exact.

    An autoregressive model has `logits(seen, condition)`, [B, *example_shape, levels], of which those of a number
    depend on the numbers before it alone, and `fill(level, known, noise, condition)`, which draws what is not
    known, in order. A condition is a vector of each example, [B, K], or None.

    Attributes:
      example_shape: as of `Density`.
      dtype: type of the computation.
      levels: L, of every number; examples of more are rounded to them.
      low: the number that is level 0.
      high: the number that is the last level.
      ordered: whether levels are seen as the numbers that they are, between -1 and 1. Examples of categories,
        such as the codes of a codebook, hold the levels themselves, 0 to L - 1, and each is seen as L numbers
        of which one is 1.
    """

    levels: Annotated[int, Range(2, 65536)] = 256
    low: Annotated[float, Range(-1e6, 1e6)] = -1.0
    high: Annotated[float, Range(-1e6, 1e6)] = 1.0
    ordered: bool = True

    def __call__(
        self,
        x: Array,
        key: Array,
        condition: Array | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """-log P of the levels of `x: [B, *example_shape]`: [B], nats, 0 or more."""
        del key, train
        self.check_shape(x)
        level = self._level(x)
        logits = self.logits(self.seen(level), condition)
        costs = optax.softmax_cross_entropy_with_integer_labels(logits, level)
        return jnp.sum(costs.reshape(x.shape[0], -1), axis=1)

    def bits_per_dimension(self, cost: Array) -> Array:
        """-log2 P of a level, on the mean of an example: `cost / (D ln 2)`, [B], exact."""
        return cost / (self.size * math.log(2))

    def seen(self, level: Array) -> Array:
        """What the network sees of `level: [B, ..., C]`: [B, ..., C] in [-1, 1], or [B, ..., C, L]."""
        if self.ordered:
            return value_of(level, self.levels, -1.0, 1.0)
        return jax.nn.one_hot(level, self.levels)

    def draw(
        self,
        key: Array,
        num: int,
        condition: Array | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """`num` examples, [num, *example_shape], in one program."""
        del train
        blank = jnp.zeros((num, *self.example_shape), jnp.int32)
        nothing = jnp.zeros(self.example_shape, bool)
        return self._filled(blank, nothing, key, condition)

    def complete(
        self,
        x: Array,
        known: Array,
        key: Array,
        condition: Array | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """One draw of what is not known of `x: [B, *example_shape]`, given what is known before it in the order.

        Where all that is known comes first, as the top half of an image does, it is one of P(unknown | known).

        Args:
          x: examples.
          known: [*example_shape] bool.
          key: of the draws.
          condition: of each example, or None.

        Returns:
          [B, *example_shape], what is known as it is.
        """
        del train
        filled = self._filled(self._level(x), known, key, condition)
        return jnp.where(known[None], x, filled)

    def _filled(
        self, level: Array, known: Array, key: Array, condition: Array | None
    ) -> Array:
        level = self.fill(level, known, rng.uniform(key, level.shape), condition)
        if not self.ordered:
            return level.astype(jnp.float32)
        return value_of(level, self.levels, self.low, self.high)

    def _level(self, x: Array) -> Array:
        ends = (self.low, self.high) if self.ordered else (0.0, self.levels - 1.0)
        return level_of(x, self.levels, *ends)
