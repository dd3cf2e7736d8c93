"""An encoder without noise where a posterior is asked for."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.wrapper import Wrapper
from genlab.part import name_of
from genlab.registry import models

Array = jax.Array

LOG_VARIANCE = (
    -80.0
)  # whose root is lost beside any mean, and whose exponential is a float32


@models.register
class Deterministic(Wrapper):
    """A network that makes codes, as the mean of a posterior that is as good as a point.

    Its log-variance is -80: z is the mean, and the KL is half the squared length of the code and 39.5
    nats for each latent, where that of a point would be infinite.

    Attributes:
      network: the network inside, `dict(name="conv_code_encoder")`.
    """

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False, **label: Array):
        """Maps `x: [B, ...]` to mean and log-variance, each [B, Z], float32.

        Raises:
          InputError: the network inside makes something other than codes.
        """
        code = self.network(x, train=train, **label)
        if not isinstance(code, jax.Array) or code.ndim != 2:
            raise InputError(
                "'deterministic' needs a network inside that makes codes [B, Z], such as"
                f" 'dense_encoder' or 'conv_code_encoder', not {name_of(self.network)!r}"
            )
        return code, jnp.full_like(code, LOG_VARIANCE)
