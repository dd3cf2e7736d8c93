"""What every normalizing flow is: a density by an invertible map of examples to noise."""

import math
from typing import Annotated

import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.game.gaussian import standard_normal_log_prob
from genlab.models.density import Density
from genlab.nn.levels import level_of
from genlab.numbers import Range, Whole

Array = jax.Array


class Flow(Density):
    """Abstract: log p(x) = log N(f(x); 0, I) + log |det df/dx|, exact.

    A flow has `forward(x)`, the noise of `x: [B, *example_shape]` and the log-determinant, [B], and
    `inverse(z)`.

    Attributes:
      example_shape: as of `Density`.
      dtype: type of the computation.
      levels: of the values of images, to which u ~ U[0, 1) of a level is added (uniform dequantisation), so
        that the cost bounds that of the levels; 0 for examples as they are.
      low: least value of an example, before dequantisation.
      high: greatest.

    Papers: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803; dequantisation: Theis, van den Oord & Bethge
      2016, arXiv:1511.01844
    """

    levels: Whole = 0
    low: Annotated[float, Range(-1e6, 1e6)] = -1.0
    high: Annotated[float, Range(-1e6, 1e6)] = 1.0

    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]`, or of what dequantisation makes of it: [B], nats."""
        x = self.dequantized(self.shaped(self.flat(x)), key)
        return self.density_cost(x, key, train=train)

    def density_cost(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]` as it is: [B], nats."""
        del key, train
        z, log_det = self.forward(x)
        return -log_det - standard_normal_log_prob(z.reshape(z.shape[0], -1))

    def dequantized(self, x: Array, key: Array) -> Array:
        """x with noise within its level."""
        if not self.levels:
            return x
        level = level_of(x, self.levels, self.low, self.high)
        return self.low + self._width * (level + rng.uniform(key, x.shape))

    def bits_per_dimension(self, cost: Array) -> Array:
        """A bound on -log2 P of a level, on the mean of an example, of its cost: [B]."""
        whole = cost - self.size * math.log(self._width)
        return whole / (self.size * math.log(2))

    @property
    def _width(self) -> float:
        return (self.high - self.low) / self.levels

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` examples of normal noise, [num, *example_shape]; images in their range."""
        del train
        x = self.inverse(self.shaped(rng.normal(key, (num, self.size))))
        return jnp.clip(x, self.low, self.high) if self.levels else x

    def code(self, x: Array, *, train: bool = False) -> Array:
        """The noise of `x: [B, *example_shape]`: [B, D]."""
        del train
        z, _ = self.forward(self.shaped(self.flat(x)))
        return z.reshape(z.shape[0], -1)

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """The examples of noise `z: [B, D]`: [B, *example_shape]."""
        del train
        return self.inverse(self.shaped(z))
