"""Any discriminator, with a look at the other examples of the batch before its logit."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game.network import takes_label
from genlab.models.wrapper import Wrapper
from genlab.nn import minibatch
from genlab.numbers import Count
from genlab.part import name_of
from genlab.registry import models

Array = jax.Array


@models.register
class MinibatchDiscrimination(Wrapper):
    """A discriminator that is told how close an example is to the others by learned kernels.

    Real and generated examples are compared apart, an example never with itself.

    Paper: Salimans et al. 2016, arXiv:1606.03498

    Attributes:
      network: the discriminator inside, `dict(name="dcgan_discriminator")`; its last layer is
        replaced by one that sees the closeness too.
      kernels: numbers that it is told.
      width: length of what each kernel compares.
    """

    kernels: Count = 100
    width: Count = 5

    def setup(self) -> None:
        self.across = minibatch.MinibatchDiscrimination(self.kernels, self.width)
        self.head = nn.Dense(1)

    def features(self, *inputs: Array, **named: Any) -> Array:
        """Those of the network inside and the closeness, [B, F + kernels], float32."""
        return self.across(self.inner_features(*inputs, **named))

    def __call__(self, *inputs: Array, train: bool = False, **label: Array) -> Array:
        """Maps what the network inside takes to logits [B], float32."""
        return self.head(self.features(*inputs, train=train, **label))[:, 0]


@models.register
class MinibatchDeviation(Wrapper):
    """A discriminator that is told how far the examples of a group deviate from each other.

    Paper: Karras et al. 2018, arXiv:1710.10196; groups: Karras et al. 2020, arXiv:1912.04958

    Attributes:
      network: the discriminator inside; its last layer is replaced by one that sees the deviation
        too.
      group: examples in a group, which divide the batch.
    """

    group: Count = 4

    def setup(self) -> None:
        self.across = minibatch.MinibatchDeviation(self.group)
        self.head = nn.Dense(1)

    def features(self, *inputs: Array, **named: Any) -> Array:
        """Those of the network inside and the deviation, [B, F + 1], float32."""
        return self.across(self.inner_features(*inputs, **named))

    def __call__(self, *inputs: Array, train: bool = False, **label: Array) -> Array:
        """Maps what the network inside takes to logits [B], float32."""
        return self.head(self.features(*inputs, train=train, **label))[:, 0]


@models.register
class Packed(Wrapper):
    """A discriminator that judges several examples at once, all real or all generated.

    Examples that follow each other in the batch are joined along their last axis, the channels of
    images. With labels: `conditional` around it.

    Paper: Lin, Khetan, Fanti & Oh 2018, arXiv:1712.04086

    Attributes:
      network: the discriminator inside, of examples with as many times the channels.
      pack: m, how many examples are judged at once, which divides the batch of each device.
    """

    pack: Count = 2

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ..., C]` to logits [B / pack], float32.

        Raises:
          InputError: `pack` does not divide the batch, or the network inside takes a label.
        """
        return self.network(self._packs(x), train=train)

    def features(self, x: Array, *, train: bool = False) -> Array:
        """What the last layer sees of each pack, [B / pack, F]."""
        return self.inner_features(self._packs(x), train=train)

    def _packs(self, x: Array) -> Array:
        if takes_label(self.network):
            raise InputError(
                f"'packed' joins examples, and {name_of(self.network)!r} inside it takes the"
                " label of one; put 'conditional' around 'packed'"
            )
        if self.is_initializing():  # on two examples
            x = jnp.repeat(x[:1], self.pack, axis=0)
        minibatch.check_divides("a pack", self.pack, len(x))
        packs = x.reshape(-1, self.pack, *x.shape[1:])
        packs = jnp.moveaxis(packs, 1, -2)
        return packs.reshape(*packs.shape[:-2], -1)
