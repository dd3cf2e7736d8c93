"""What a trained discriminator makes of an example."""

from typing import Any

import jax

from genlab.errors import InputError
from genlab.game.adversary import logits_of
from genlab.part import name_of

Array = jax.Array
PyTree = Any


class Discriminating:
    """A family with a network in the role `discriminator`."""

    def features(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What the last layer of the discriminator sees of `x: [B, ...]`: [B, F].

        Raises:
          InputError: the discriminator does not say what that is.
        """
        network = self.networks["discriminator"]
        if not hasattr(network.module, "features"):
            raise InputError(
                f"discriminator {name_of(network.module)!r} has no 'features'; take another,"
                " such as 'dcgan_discriminator'"
            )
        found = network(params, extra, x, method="features")
        return found.reshape(x.shape[0], -1)

    def realness(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The discriminator's logit that `x: [B, ...]` is real, the mean of its patches: [B]."""
        verdict = self.networks["discriminator"](params, extra, x)
        return logits_of(verdict).reshape(x.shape[0], -1).mean(axis=1)
