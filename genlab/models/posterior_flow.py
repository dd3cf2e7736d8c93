"""Flows that make of draws of a Gaussian those of a richer posterior, with their log-determinants."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.nn.activation import activation
from genlab.nn.masked import MaskedDense
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

_ROOT = math.log(math.e - 1)  # where softplus is 1


@models.register
class PlanarFlow(nn.Module):
    """z + u tanh(w.z + b), many times over, with u, w and b of each example.

    u is moved along w, so that u.w > -1 and the map can be inverted; then
    log|det| = log(1 + (1 - tanh^2) u.w).

    Paper: Rezende & Mohamed 2015, arXiv:1505.05770

    Attributes:
      length: planes.
    """

    length: Count = 8

    @nn.compact
    def __call__(
        self, z: Array, context: Array, *, train: bool = False
    ) -> tuple[Array, Array]:
        """Maps `z: [N, Z]` and what the encoder saw, `context: [N, F]`, to z, [N, Z], and the log of
        the determinant of the Jacobian, [N], nats; float32."""
        del train
        width = z.shape[-1]
        size = self.length * (2 * width + 1)
        # Small at first: the flow begins near the identity.
        small = nn.initializers.normal(0.01)
        planes = nn.Dense(size, kernel_init=small, bias_init=small, name="planes")
        planes = planes(context).reshape(-1, self.length, 2 * width + 1)
        total = jnp.zeros(z.shape[0])
        for index in range(self.length):
            u, w, b = jnp.split(planes[:, index], (width, 2 * width), axis=-1)
            along = jnp.sum(u * w, axis=-1, keepdims=True)
            above = nn.softplus(along + _ROOT) - 1  # more than -1, and 0 where it was
            norm = jnp.sum(jnp.square(w), axis=-1, keepdims=True) + 1e-8
            u = u + (above - along) * w / norm
            along = jnp.sum(u * w, axis=-1)
            bent = jnp.tanh(jnp.sum(w * z, axis=-1, keepdims=True) + b)
            z = z + u * bent
            total = total + jnp.log1p((1 - jnp.square(bent[:, 0])) * along)
        return z, total


@models.register
class InverseAutoregressiveFlow(nn.Module):
    """s z + (1 - s) m, where s in (0, 1) and m of a dimension see those before it and the example.

    log|det| is the sum of log s. The order of the dimensions is turned round after each step.

    Paper: Kingma et al. 2016, arXiv:1606.04934; masks: Germain et al. 2015, arXiv:1502.03509

    Attributes:
      length: steps.
      hidden: width of the hidden layer of each.
      activation: name of the function after it.
      dtype: type of the computation.
    """

    length: Count = 2
    hidden: Count = 128
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, z: Array, context: Array, *, train: bool = False
    ) -> tuple[Array, Array]:
        """Maps `z: [N, Z]` and what the encoder saw, `context: [N, F]`, to z, [N, Z], and the log of
        the determinant of the Jacobian, [N], nats; float32."""
        del train
        total = jnp.zeros(z.shape[0])
        for index in range(self.length):
            step = _Step(self.hidden, self.activation, self.dtype, name=f"step_{index}")
            mean, gate = step(z, context)
            share = nn.sigmoid(gate)
            z = (share * z + (1 - share) * mean)[:, ::-1]
            total = total + jnp.sum(nn.log_sigmoid(gate), axis=-1)
        return z, total


class _Step(nn.Module):
    """m and the logit of s, [N, Z] each, of which a dimension sees those before it alone."""

    hidden: int
    activation: str
    dtype: Any

    @nn.compact
    def __call__(self, z: Array, context: Array) -> tuple[Array, Array]:
        width = z.shape[-1]
        inputs = np.arange(width)
        units = np.arange(self.hidden) % max(width - 1, 1)  # inputs up to this one
        dense = lambda size, name: nn.Dense(size, dtype=self.dtype, name=name)
        y = MaskedDense(units[None] >= inputs[:, None], self.dtype, name="below")(z)
        y = activation(self.activation)(y + dense(self.hidden, "context")(context))
        seen = np.tile(inputs, 2)[None] > units[:, None]
        out = MaskedDense(seen, self.dtype, name="above")(y)
        out = out + dense(2 * width, "direct")(context)
        mean, gate = jnp.split(out.astype(jnp.float32), 2, axis=-1)
        return mean, gate + 1  # most of z is kept at first
