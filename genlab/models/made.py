"""MADE: a perceptron with masks, whose outputs see earlier inputs alone."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.models.autoregressive import Autoregressive
from genlab.nn.activation import activation
from genlab.nn.levels import drawn
from genlab.nn.masked import MaskedDense
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Made(Autoregressive):
    """Masked layers on flattened examples: a unit that may see k numbers passes on to those that may see k or more.

    How many a unit sees is spread evenly over a layer, in the place of drawn. Beside the layers each output
    sees the numbers before it directly.

    Attributes:
      example_shape: as of `Autoregressive`, and `dtype`, `levels`, `low`, `high` and `ordered`.
      hidden: widths of the hidden layers.
      activation: name of the function after each.

    Paper: Germain et al. 2015, arXiv:1502.03509
    """

    hidden: Sequence[Count] = (500,)
    activation: str = "relu"

    @nn.compact
    def logits(self, seen: Array, condition: Array | None = None) -> Array:
        """Of what is seen of examples, `[B, *example_shape]` or `[B, *example_shape, levels]`, and a
        `condition: [B, K]` or none: [B, *example_shape, levels], float32."""
        x = seen.reshape(seen.shape[0], -1)
        told = lambda size, name: nn.Dense(
            size, use_bias=False, dtype=self.dtype, name=f"condition_{name}"
        )
        inputs = np.repeat(np.arange(self.size), x.shape[1] // self.size)
        outputs = np.repeat(np.arange(self.size), self.levels)
        before, y = inputs, x
        for i, width in enumerate(self.hidden):
            units = np.arange(width) % max(self.size - 1, 1)
            mask = units[None] >= before[:, None]
            y = self._masked(mask, f"hidden_{i}")(y)
            if condition is not None:
                y = y + told(width, i)(condition)
            y, before = activation(self.activation)(y), units
        logits = self._masked(outputs[None] > before[:, None], "out")(y)
        logits += MaskedDense(
            outputs[None] > inputs[:, None], self.dtype, name="direct"
        )(x)
        if condition is not None:
            logits += told(len(outputs), "out")(condition)
        shape = (-1, *self.example_shape, self.levels)
        return logits.astype(jnp.float32).reshape(shape)

    def _masked(self, mask: np.ndarray, name: str) -> MaskedDense:
        return MaskedDense(mask, self.dtype, use_bias=True, name=name)

    def fill(
        self, level: Array, known: Array, noise: Array, condition: Array | None = None
    ) -> Array:
        """`level: [B, *example_shape]` with what is not `known: [*example_shape]` drawn by `noise` in [0, 1)."""
        model, variables = self.unbind()

        def step(level: Array, index: Array):
            seen = model.seen(level.reshape(noise.shape))
            logits = model.apply(variables, seen, condition, method="logits")
            logits = logits.reshape(*level.shape, -1)[:, index]
            new = drawn(logits, noise.reshape(level.shape)[:, index])
            new = jnp.where(known.reshape(-1)[index], level[:, index], new)
            return level.at[:, index].set(new), None

        flat = level.reshape(level.shape[0], -1)
        return jax.lax.scan(step, flat, jnp.arange(self.size))[0].reshape(level.shape)
