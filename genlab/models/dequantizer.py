"""What noise is added to whole levels, learned."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.nn.convolution import Conv
from genlab.nn.coupling import affine
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class VariationalDequantizer(nn.Module):
    """q(u|x) of noise u in (0, 1) for every level of an image: logistic noise through affine coupling layers, and a
    sigmoid.

    A layer moves every other pixel, as on a checkerboard, by convolutions of the others and of the image. At
    first q is uniform.

    Attributes:
      layers: coupling layers.
      width: channels of their convolutions.
      dtype: type of the computation.

    Paper: Ho et al. 2019, arXiv:1902.00275, section 3.1
    """

    layers: Count = 4
    width: Count = 32
    dtype: Any = jnp.float32

    def __call__(
        self, x: Array, key: Array, *, train: bool = False
    ) -> tuple[Array, Array]:
        """A draw of u, the shape of `x: [B, H, W, C]` in [-1, 1], and log q(u|x), [B] nats."""
        del train
        if x.ndim != 4:
            raise InputError(
                f"'variational_dequantizer' is of images [H, W, C], not of examples {x.shape[1:]}"
            )
        even = jnp.clip(rng.uniform(key, x.shape), 1e-6, 1 - 1e-6)
        return self.warped(jnp.log(even) - jnp.log1p(-even), x)

    @nn.compact
    def warped(self, noise: Array, x: Array) -> tuple[Array, Array]:
        """u of logistic `noise: [B, H, W, C]` and images `x: [B, H, W, C]`, and log q(u|x), [B]."""
        log_q, h = _log_logistic(noise), noise
        rows, columns = (jnp.arange(side) for side in x.shape[1:3])
        for i in range(self.layers):
            moves = (rows[:, None] + columns[None] + i) % 2 == 0
            moves = moves[None, :, :, None]
            seen = jnp.concatenate([jnp.where(moves, 0.0, h), x], axis=-1)
            told = self._told(seen, x.shape[-1], i)
            moved, log = affine(h, *told, back=False)
            h = jnp.where(moves, moved, h)
            log_q = log_q - jnp.where(moves, log, 0.0)
        log_q = log_q - _log_logistic(h)
        return nn.sigmoid(h), jnp.sum(log_q, axis=(1, 2, 3))

    def _told(self, seen: Array, channels: int, index: int) -> list[Array]:
        conv = lambda width, name, **knobs: Conv(
            width, 3, dtype=self.dtype, name=f"{name}_{index}", **knobs
        )
        h = nn.relu(conv(self.width, "first")(seen))
        h = nn.relu(conv(self.width, "second")(h))
        told = conv(2 * channels, "last", kernel_init=nn.initializers.zeros)(h)
        return jnp.split(told.astype(jnp.float32), 2, axis=-1)


def _log_logistic(x: Array) -> Array:
    """Log of the logistic density, which is the slope of the sigmoid."""
    return nn.log_sigmoid(x) + nn.log_sigmoid(-x)
