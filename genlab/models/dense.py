"""Stacks of dense layers whose weights a reader, a penalty or another stack may look at."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.activation import activation
from genlab.nn.dropout import Dropout
from genlab.numbers import Count, Range
from genlab.registry import models

Array = jax.Array


@models.register
class DenseEncoder(nn.Module):
    """Dense layers `layer_0`, `layer_1`, ... from an example to a code.

    Attributes:
      widths: units of each layer; the last is the code.
      activation: name of the function after each layer.
      code_activation: the same for the code; None takes `activation`.
      dropout: share of each layer's units that drop out in training, in [0, 0.99]; None for none.
      input_dropout: the same for the example itself.
      dtype: type of the computation.
    """

    widths: Sequence[Count]
    activation: str = "sigmoid"
    code_activation: str | None = None
    dropout: Annotated[float, Range(0, 0.99)] | None = None
    input_dropout: Annotated[float, Range(0, 0.99)] | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to codes [B, widths[-1]], float32."""
        y = x.reshape(x.shape[0], -1).astype(self.dtype)
        y = Dropout(self.input_dropout, name="dropout_input")(y, train=train)
        for index, width in enumerate(self.widths):
            layer = nn.Dense(width, dtype=self.dtype, name=f"layer_{index}")
            y = activation(self._function(index))(layer(y))
            y = Dropout(self.dropout, name=f"dropout_{index}")(y, train=train)
        return y.astype(jnp.float32)

    def _function(self, index: int) -> str:
        last = index == len(self.widths) - 1
        return self.code_activation or self.activation if last else self.activation

    def kernels(self, params: dict[str, Any]) -> list[Array]:
        """The kernels of the layers, from example to code: [in, out] each."""
        return [params[f"layer_{index}"]["kernel"] for index in range(len(self.widths))]

    def has_closed_form(self) -> bool:
        """Whether its Jacobian is diag(act'(a)) W: one layer, sigmoid or tanh."""
        return len(self.widths) == 1 and self._function(0) in ("sigmoid", "tanh")

    def has_unit_codes(self) -> bool:
        """Whether codes lie in (0, 1): those of sigmoid units."""
        return self._function(len(self.widths) - 1) == "sigmoid"

    def slopes(self, params: dict[str, Any], x: Array) -> tuple[Array, Array]:
        """act'(a) at `x: [B, ...]` and the squared norms of the units' weights: [B, K], [K]."""
        code = self.apply({"params": params}, x)
        sigmoid = self._function(0) == "sigmoid"
        slopes = code * (1 - code) if sigmoid else 1 - jnp.square(code)
        return slopes, jnp.sum(jnp.square(self.kernels(params)[0]), axis=0)


@models.register
class DenseDecoder(nn.Module):
    """Dense layers `layer_0`, `layer_1`, ... from a code to logits or means of an example.

    Attributes:
      example_shape: shape of what is decoded, (H, W, C) or (D,).
      widths: units of the hidden layers; empty for one linear layer.
      activation: name of the function after each hidden layer.
      unit_norm: whether each unit of the last hidden layer, or of the code, writes a pattern of norm
        one, as sparse coding wants of its dictionary.
      dtype: type of the computation.
    """

    example_shape: Sequence[Count]
    widths: Sequence[Count] = ()
    activation: str = "sigmoid"
    unit_norm: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, K]` to [B, *example_shape], real, float32."""
        del train
        y = x.astype(self.dtype)
        for index, width in enumerate(self.widths):
            layer = nn.Dense(width, dtype=self.dtype, name=f"layer_{index}")
            y = activation(self.activation)(layer(y))
        last, outputs = f"layer_{len(self.widths)}", math.prod(self.example_shape)
        if self.unit_norm:
            y = _Dictionary(outputs, dtype=self.dtype, name=last)(y)
        else:
            y = nn.Dense(outputs, dtype=self.dtype, name=last)(y)
        return y.astype(jnp.float32).reshape(x.shape[0], *self.example_shape)


@models.register
class TiedDecoder(nn.Module):
    """The transposed layers of a dense encoder, with biases of their own.

    Attributes:
      example_shape: shape of what is decoded, (H, W, C) or (D,).
      activation: name of the function after each layer but the last.
      dtype: type of the computation.
    """

    example_shape: Sequence[Count]
    activation: str = "sigmoid"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *kernels: Array, train: bool = False) -> Array:
        """Maps codes `x: [B, K]` by the encoder's kernels [in, out], first to last."""
        del train
        y = x.astype(self.dtype)
        for index, kernel in enumerate(reversed(kernels)):
            bias = self.param(
                f"bias_{index}", nn.initializers.zeros_init(), (kernel.shape[0],)
            )
            y = y @ kernel.T.astype(self.dtype) + bias.astype(self.dtype)[None]
            if index < len(kernels) - 1:
                y = activation(self.activation)(y)
        return y.astype(jnp.float32).reshape(x.shape[0], *self.example_shape)


@models.register
class DenseClassifier(nn.Module):
    """A dense encoder with logits on top, so that a pretrained encoder fits in.

    Attributes:
      num_classes: number of classes.
      widths: units of the encoder's layers.
      activation: name of the function after each of them.
      dropout: share of each layer's units that drop out in training, in [0, 0.99]; None for none.
      input_dropout: the same for the example itself.
      dtype: type of the computation.
    """

    num_classes: Count
    widths: Sequence[Count]
    activation: str = "sigmoid"
    dropout: Annotated[float, Range(0, 0.99)] | None = None
    input_dropout: Annotated[float, Range(0, 0.99)] | None = None
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.encoder = DenseEncoder(
            self.widths,
            self.activation,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
            dtype=self.dtype,
        )
        self.head = nn.Dense(self.num_classes, dtype=self.dtype)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The code of `x: [B, ...]`: [B, widths[-1]], float32."""
        return self.encoder(x, train=train)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B, num_classes], float32."""
        return self.head(self.features(x, train=train)).astype(jnp.float32)


class _Dictionary(nn.Module):
    """A dense layer whose kernel has rows of norm one."""

    features: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        norm = jnp.sqrt(jnp.sum(jnp.square(kernel), axis=1, keepdims=True) + 1e-12)
        return x @ (kernel / norm).astype(self.dtype) + bias.astype(self.dtype)[None]
