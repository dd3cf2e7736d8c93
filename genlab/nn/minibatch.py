"""What a discriminator sees of the other examples in its batch, so that a collapse shows.

Real and generated examples come as two batches, each compared with itself alone, and the batch is
the global one whatever devices share it.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel

Array = jax.Array


class MinibatchDiscrimination(nn.Module):
    """Features of an example, and how close it is to the other examples by learned kernels.

    M_i = T f(x_i), one row of `width` numbers per kernel b, and
    o(x_i)_b = sum over j other than i of exp(-||M_ib - M_jb||_1).

    Paper: Salimans et al. 2016, arXiv:1606.03498

    Attributes:
      kernels: numbers o that are made.
      width: length of a row.
    """

    kernels: int = 100
    width: int = 5

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, D]` to [B, D + kernels], float32; each o is in [0, B - 1]."""
        x = x.astype(jnp.float32)
        maps = nn.Dense(self.kernels * self.width, use_bias=False, name="tensor")(x)
        rows = maps.reshape(-1, self.kernels, self.width)
        others = parallel.gather_batch(rows)
        distance = jnp.abs(rows[:, None] - others[None]).sum(axis=-1)
        closeness = jnp.exp(-distance)  # [B, B over all devices, kernels]
        own = parallel.example_indices(len(x))[:, None] == jnp.arange(len(others))[None]
        closeness = jnp.where(own[..., None], 0.0, closeness)
        return jnp.concatenate([x, closeness.sum(axis=1)], axis=-1)


class MinibatchDeviation(nn.Module):
    """Channels of an example, and one more: how far examples of a group deviate from each other.

    The deviation of every channel and pixel over the examples of a group, sqrt(variance + 1e-8),
    averaged over channels and pixels. Groups are of examples that follow each other.

    Paper: Karras et al. 2018, arXiv:1710.10196; groups: Karras et al. 2020, arXiv:1912.04958

    Attributes:
      group: examples in a group.
    """

    group: int = 4

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x: [B, ..., C]` to [B, ..., C + 1], float32.

        Raises:
          InputError: `group` does not divide the batch.
        """
        x = x.astype(jnp.float32)
        batch = parallel.gather_batch(x)
        # An initialisation is on two examples.
        group = min(self.group, len(batch)) if self.is_initializing() else self.group
        check_divides("a group", group, len(batch))
        groups = batch.reshape(-1, group, *x.shape[1:])
        centred = groups - groups.mean(axis=1, keepdims=True)
        deviation = jnp.sqrt(jnp.square(centred).mean(axis=1) + 1e-8)
        deviation = deviation.mean(axis=tuple(range(1, deviation.ndim)))
        own = parallel.local_share(jnp.repeat(deviation, group))
        own = jnp.broadcast_to(
            own.reshape(-1, *(1 for _ in x.shape[1:])), (*x.shape[:-1], 1)
        )
        return jnp.concatenate([x, own], axis=-1)


def check_divides(what: str, size: int, batch: int) -> None:
    """Raises InputError unless groups of `size` examples make up a batch."""
    if batch % size:
        raise InputError(
            f"{what} of {size} examples does not divide a batch of {batch}; take a multiple of"
            f" {size}, such as {-(-batch // size) * size}, for train.batch_size"
        )
