"""Any network with batch normalisation, by the statistics of a fixed batch."""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.sums import sums, sums_of_squares
from genlab.models.wrapper import Wrapper
from genlab.nn.norm import BatchNorm, replacing_batch_norms
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class VirtualBatchNorm(Wrapper):
    """A network whose every batch normalisation is by a reference batch and the example itself.

    The reference is the first batch that the network is shown in training, kept in the collection
    `reference`, and goes through the network beside every batch. With R reference examples, mean and mean
    square of a channel are R/(R+1) those of the reference and 1/(R+1) those of the example, so that an
    example does not depend on the others of its batch.

    Paper: Salimans et al. 2016, arXiv:1606.03498

    Attributes:
      network: the network inside, `dict(name="dcgan_generator")`.
      examples: R, of the batch of all devices at most.
    """

    examples: Count = 64

    def __call__(self, x: Array, *, train: bool = False) -> Any:
        """What the network makes of `x: [B, ...]`.

        Raises:
          InputError: nothing is batch-normalised inside, or a batch is smaller than the reference.
        """
        both = jnp.concatenate([self._reference(x, train), x])

        def by_reference(layer: BatchNorm, call: Callable, y: Array, **how: Any):
            del layer
            return call(y, **how, statistics=_statistics(y, self.examples))

        with replacing_batch_norms(by_reference, self.network):
            made = self.network(both, train=train)
        return jax.tree.map(lambda leaf: leaf[self.examples :], made)

    @nn.compact
    def _reference(self, x: Array, train: bool) -> Array:
        shape = (self.examples, *x.shape[1:])
        draw = lambda: jax.random.normal(self.make_rng("params"), shape)
        reference = self.variable("reference", "examples", draw)
        known = self.variable("reference", "known", lambda: jnp.zeros(()))
        if train and not self.is_initializing():
            batch = parallel.gather_batch(jax.lax.stop_gradient(x))
            if len(batch) < self.examples:
                raise InputError(
                    f"a reference of examples={self.examples} needs as many in a batch, and"
                    f" there are {len(batch)}"
                )
            fresh = batch[: self.examples].astype(reference.value.dtype)
            reference.value = jnp.where(known.value > 0, reference.value, fresh)
            known.value = jnp.ones(())
        return reference.value.astype(x.dtype)


def _statistics(x: Array, count: int) -> tuple[Array, Array]:
    """Mean and variance, [R + B, C] each, for `x: [R + B, ..., C]`, of which the first `count` examples are the
    reference."""
    wide, pixels = x.astype(jnp.float32), math.prod(x.shape[1:-1])
    own = jnp.stack([sums(wide), sums_of_squares(wide)]) / pixels
    reference = own[:, :count].mean(axis=1, keepdims=True)
    share = jnp.where(jnp.arange(len(x)) < count, 0.0, 1 / (count + 1))[None, :, None]
    mean, square = share * own + (1 - share) * reference
    return mean, jnp.maximum(square - jnp.square(mean), 0.0)
