"""A generator with batch normalisation, by the statistics of many samples of the parameters that it has."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from genlab.game.sums import sums, sums_of_squares
from genlab.models.wrapper import Wrapper
from genlab.nn.norm import BatchNorm, replacing_batch_norms
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class StandingStatistics(Wrapper):
    """A generator whose samples are normalised by statistics that are taken anew of what it makes.

    In training it is the network inside. Afterwards every batch normalisation inside is by the mean and variance
    over R samples of standard normal latents, the same in every call, which go through the network beside the
    batch. So the statistics are those of the parameters in use, of an average of them (`ema`) too, whose running
    statistics are otherwise averages of older parameters'.

    Paper: Brock, Donahue & Simonyan 2019, arXiv:1809.11096, appendix C

    Attributes:
      network: the generator inside, `dict(name="dcgan_generator")`.
      examples: R.
    """

    examples: Count = 512

    def __call__(self, x: Array, *, train: bool = False, **label: Array) -> Any:
        """What the network makes of latents `x: [B, Z]`, and of labels where it takes them, whose reference has
        those of the batch in turn.

        Raises:
          InputError: nothing is batch-normalised inside.
        """
        if train or self.is_initializing():
            return self.network(x, train=train, **label)
        latent = jax.random.normal(jax.random.key(0), (self.examples, *x.shape[1:]))
        both = jnp.concatenate([latent.astype(x.dtype), x])
        turn = jnp.arange(self.examples) % len(x)
        told = {
            name: jnp.concatenate([value[turn], value]) for name, value in label.items()
        }
        with replacing_batch_norms(self._by_reference, self.network):
            made = self.network(both, train=False, **told)
        return jax.tree.map(lambda leaf: leaf[self.examples :], made)

    def _by_reference(
        self, layer: BatchNorm, call: Callable, y: Array, **how: Any
    ) -> Array:
        del layer
        reference = y[: self.examples].astype(jnp.float32)
        count = reference.size // reference.shape[-1]
        both = (sums(reference), sums_of_squares(reference))
        mean, square = (jnp.sum(each, axis=0) / count for each in both)
        variance = jnp.maximum(square - jnp.square(mean), 0.0)
        return call(y, **how, statistics=(mean, variance))
