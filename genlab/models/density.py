"""What a network is that says of an example what it costs, and draws examples."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.numbers import Count

Array = jax.Array

# What is said of a density that lacks a method.
CANNOT = {
    "complete": "completes no examples; 'pixel_cnn' and 'made' do",
    "code": "infers no code; flows, mixtures and dictionaries do",
    "mean": "makes no example of a code; flows, mixtures and dictionaries do",
    "filters": "has no filters; mixtures and dictionaries have",
}


class Density(nn.Module):
    """Abstract: a network in the role `density`.

    Called with examples `x: [B, *example_shape]` and a key it gives their cost in nats, [B]; `draw(key,
    num)` gives examples. It may have `code(x)`, `mean(z)`, the mean of examples of a code, and
    `filters()`, [K, D], and `scores(x)`, more of each example by name, [B] each.

    Attributes:
      COST: what the cost is: `negative_log_likelihood` where it is exact, `negative_elbo`, a bound, or
        `energy`, -log p(x, z) at one z.
      example_shape: shape of an example, (H, W, C) or (D,); of a code where it stands on frozen features.
      dtype: type of the computation.
    """

    COST: ClassVar[str] = "negative_log_likelihood"

    example_shape: Sequence[Count]
    dtype: Any = jnp.float32

    @property
    def size(self) -> int:
        """Numbers in an example, D."""
        return math.prod(self.example_shape)

    def flat(self, x: Array) -> Array:
        """`x: [B, *example_shape]` as [B, D], rounded to the compute type.

        Raises:
          InputError: examples of another shape.
        """
        self.check_shape(x)
        return x.reshape(x.shape[0], self.size).astype(self.dtype).astype(jnp.float32)

    def check_shape(self, x: Array) -> None:
        """Raises InputError for examples of another shape than `x: [B, *example_shape]`."""
        if tuple(x.shape[1:]) != tuple(self.example_shape):
            raise InputError(
                f"model.density of example_shape {tuple(self.example_shape)} does not fit what it is"
                f" shown, {x.shape[1:]}; set its example_shape to that"
            )

    def shaped(self, x: Array) -> Array:
        """`x: [B, D]` as [B, *example_shape]."""
        return x.reshape(-1, *self.example_shape)
