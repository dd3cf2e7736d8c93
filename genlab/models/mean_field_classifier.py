"""A classifier that also sees what a deep Boltzmann machine infers from its example."""

from collections.abc import Sequence
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.dbm import Dbm
from genlab.nn.dropout import Dropout
from genlab.numbers import Count, Range
from genlab.registry import models

Array = jax.Array


@models.register
class MeanFieldClassifier(nn.Module):
    """Two sigmoid layers that start where a machine's mean field is, and logits on top.

    h1 = sigma(v W1 + mu2 U^T + b1), h2 = sigma(h1 W2 + b2), mu2 the mean field of the machine's second
    layer; W1, W2 and U start as the machine's W1, W2 and W2. No gradient reaches the machine: it
    stays as it is under an optimizer without weight decay.

    Attributes:
      num_classes: number of classes.
      example_shape: shape of an example, (H, W, C) or (D,).
      widths: units of the two hidden layers, those of the machine.
      sweeps: of mean field.
      dropout: share of the units that drop out in training, of mu2, h1 and h2 apart, in [0, 0.99];
        None for none. The mean field itself is that of the whole machine.
      input_dropout: the same for the example before the first layer.
      dtype: type of the computation.

    Paper: Salakhutdinov & Hinton 2009, AISTATS, section 3.4
    """

    num_classes: Count
    example_shape: Sequence[Count]
    widths: Sequence[Count]
    sweeps: Count = 10
    dropout: Annotated[float, Range(0, 0.99)] | None = None
    input_dropout: Annotated[float, Range(0, 0.99)] | None = None
    dtype: Any = jnp.float32

    def setup(self) -> None:
        if len(self.widths) != 2 or self.sweeps < 1:
            raise InputError(
                f"mean_field_classifier with widths={tuple(self.widths)} and sweeps={self.sweeps}:"
                " it has two hidden layers, and takes 1 sweep or more"
            )
        self.machine = Dbm(self.example_shape, self.widths, dtype=self.dtype)
        self.layer_0, self.layer_1 = (
            nn.Dense(width, dtype=self.dtype) for width in self.widths
        )
        self.feedback = _Feedback(tuple(self.widths), self.dtype)
        self.input_mask = Dropout(self.input_dropout)
        self.masks = [Dropout(self.dropout) for _ in range(3)]
        self.head = nn.Dense(self.num_classes, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The second hidden layer of `x: [B, ...]`: [B, widths[1]], float32."""
        if self.is_initializing():
            self.machine(x)
        frozen = jax.lax.stop_gradient(self.machine.variables["params"])
        _, logits = self.machine.posterior(frozen, x, count=self.sweeps)
        v = self.input_mask(x.reshape(x.shape[0], -1), train=train)
        upper = self.masks[0](jax.nn.sigmoid(logits), train=train)
        hidden = jax.nn.sigmoid(self.layer_0(v) + self.feedback(upper))
        code = jax.nn.sigmoid(self.layer_1(self.masks[1](hidden, train=train)))
        return self.masks[2](code, train=train).astype(jnp.float32)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` in [0, 1] to logits [B, num_classes], float32."""
        return self.head(self.features(x, train=train)).astype(jnp.float32)


class _Feedback(nn.Module):
    """From the second layer back to the first, by a kernel [first, second]."""

    widths: tuple[int, int]
    dtype: Any

    @nn.compact
    def __call__(self, upper: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.lecun_normal(), self.widths)
        return upper.astype(self.dtype) @ kernel.T.astype(self.dtype)
