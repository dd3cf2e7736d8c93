"""What every normalizing flow is: a density by an invertible map of examples to noise."""

import dataclasses
import math
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.gaussian import standard_normal_log_prob
from genlab.models.density import Density
from genlab.nn.levels import level_of, value_of
from genlab.numbers import Range, Whole

Array = jax.Array


class Flow(Density):
    """Abstract: log p(x) = log N(f(x); 0, I) + log |det df/dx|, exact.

    A flow has `forward(x, train=...)`, the noise of `x: [B, *example_shape]` and the log-determinant, [B], and
    `inverse(z)`.

    Attributes:
      example_shape: as of `Density`.
      dtype: type of the networks' computation; examples and densities are float32.
      levels: of the values of images, to which u in [0, 1) of a level is added, so that the cost bounds that of the
        levels; 0 for examples as they are.
      low: least value of an example, before dequantisation.
      high: greatest.
      dequantizer: what draws u given the image, `variational_dequantizer`, and its log q(u|x) is added to the
        cost; None for U[0, 1).
      logit: the flow sees logit(a / 2 + (1 - a) p) of the place p of a number between low and high, a being this; None
        for the number itself.

    Papers: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803; dequantisation: Theis, van den Oord & Bethge
      2016, arXiv:1511.01844; variational: Ho et al. 2019, arXiv:1902.00275
    """

    levels: Whole = 0
    low: Annotated[float, Range(-1e6, 1e6)] = -1.0
    high: Annotated[float, Range(-1e6, 1e6)] = 1.0
    dequantizer: Any = dataclasses.field(default=None, metadata={"part": "models"})
    logit: Annotated[float, Range(0, 0.5, "()")] | None = None

    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]`, or with noise u in its levels -log p(x + u) + log q(u|x): [B],
        nats."""
        self.check_shape(x)
        if self.dequantizer is not None and not self.levels:
            raise InputError(
                "model.density.dequantizer draws noise within levels, and levels=0; set levels, or leave it out"
            )
        if not self.levels:
            return self.density_cost(x, key, train=train)
        x, log_q = self.dequantized(x, key)
        return self.density_cost(x, key, train=train) + log_q

    def density_cost(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x) of `x: [B, *example_shape]` as it is: [B], nats."""
        del key
        y, log_slope = self._stretched(x)
        z, log_det = self.forward(y, train=train)
        log_prob = standard_normal_log_prob(z.reshape(z.shape[0], -1))
        return -log_slope - log_det - log_prob

    def dequantized(self, x: Array, key: Array) -> tuple[Array, Array]:
        """`x: [B, *example_shape]` with noise u within its levels, and log q(u|x), [B]."""
        level = level_of(x, self.levels, self.low, self.high)
        if self.dequantizer is None:
            u, log_q = rng.uniform(key, x.shape), jnp.zeros(x.shape[0])
        else:
            u, log_q = self.dequantizer(value_of(level, self.levels, -1.0, 1.0), key)
        return self.low + self._width * (level + u), log_q

    def bits_per_dimension(self, cost: Array) -> Array:
        """A bound on -log2 P of a level, on the mean of an example, of its cost: [B]."""
        whole = cost - self.size * jnp.log(self._width)
        return whole / (self.size * math.log(2))

    @property
    def _width(self) -> float:
        return (self.high - self.low) / self.levels

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` examples of normal noise, [num, *example_shape]; images of whole levels."""
        x = self.mean(rng.normal(key, (num, self.size)), train=train)
        if not self.levels:
            return x
        level = jnp.clip((x - self.low) // self._width, 0, self.levels - 1)
        return value_of(level, self.levels, self.low, self.high)

    def code(self, x: Array, *, train: bool = False) -> Array:
        """The noise of `x: [B, *example_shape]`: [B, D]."""
        del train
        self.check_shape(x)
        y, _ = self._stretched(x)
        z, _ = self.forward(y)
        return z.reshape(z.shape[0], -1)

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """The examples of noise `z: [B, D]`: [B, *example_shape]."""
        del train
        y = self.inverse(self.shaped(z))
        if self.logit is None:
            return y
        share = (jax.nn.sigmoid(y) - self.logit / 2) / (1 - self.logit)
        return self.low + (self.high - self.low) * share

    def _stretched(self, x: Array) -> tuple[Array, Array]:
        """What the flow sees of `x: [B, *example_shape]`, and the log of the slope, [B]."""
        if self.logit is None:
            return x, jnp.zeros(x.shape[0])
        span = self.high - self.low
        share = jnp.clip((x - self.low) / span, 0.0, 1.0)
        share = self.logit / 2 + (1 - self.logit) * share
        y = jnp.log(share) - jnp.log1p(-share)
        log_slope = jnp.log(1 - self.logit) - jnp.log(span)
        logs = log_slope - jnp.log(share) - jnp.log1p(-share)
        return y, jnp.sum(logs.reshape(x.shape[0], -1), axis=1)
