"""An autoencoder in the place of a discriminator."""

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.numbers import Count
from genlab.part import name_of
from genlab.registry import models

Array = jax.Array


@models.register
class AutoencoderDiscriminator(nn.Module):
    """An encoder and a decoder whose logit is minus the error of what they restore.

    For the objectives `began` and `energy_based`. The codes are its features.

    Papers: BEGAN: Berthelot et al. 2017, arXiv:1703.10717; EBGAN: Zhao et al. 2017, arXiv:1609.03126

    Attributes:
      encoder: from an example to a code, `dict(name="conv_code_encoder")`.
      decoder: from a code to an example, `dict(name="conv_decoder")`.
      power: of the differences, whose mean over the example is the error: 1 or 2.
    """

    is_autoencoder: ClassVar = True

    encoder: Any = dataclasses.field(metadata={"part": "models"})
    decoder: Any = dataclasses.field(metadata={"part": "models"})
    power: Count = 1

    def features(self, x: Array, *, train: bool = False) -> Array:
        """The codes of `x: [B, ...]`: [B, Z].

        Raises:
          InputError: the encoder makes something else.
        """
        code = self.encoder(x, train=train)
        if not isinstance(code, jax.Array):
            raise InputError(
                f"{name_of(self.encoder)!r} makes no code, one array, but a"
                f" {type(code).__name__}; 'conv_code_encoder' and 'dense_encoder' do"
            )
        return code

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to -mean |x - D(E(x))|^power: [B], float32, at most 0.

        Raises:
          InputError: encoder or decoder make something else.
        """
        made = self.decoder(self.features(x, train=train), train=train)
        if made.shape != x.shape:
            raise InputError(
                f"{name_of(self.decoder)!r} makes examples {made.shape[1:]} of"
                f" {x.shape[1:]}; a discriminator that is an autoencoder restores them"
            )
        gap = jnp.abs(x - made.astype(jnp.float32)) ** self.power
        return -jnp.mean(gap, axis=tuple(range(1, x.ndim)))
