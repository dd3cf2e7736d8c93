"""A network around another, which passes on what that one says of itself."""

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax

from genlab.errors import InputError
from genlab.part import name_of

Array = jax.Array


class Wrapper(nn.Module):
    """Abstract: a network whose knob `network` is another, `dict(name="dcgan_discriminator")`.

    Attributes:
      network: the network inside.
    """

    BOUNDS_SLOPE: ClassVar = False  # whether it does so itself

    network: Any = dataclasses.field(metadata={"part": "models"})

    @property
    def output_range(self) -> tuple[float, float] | None:
        """Of the examples that the network inside makes, where it has one."""
        return getattr(self.network, "output_range", None)

    @property
    def bounds_slope(self) -> bool:
        """Whether the weights bound the slope."""
        return self.BOUNDS_SLOPE or getattr(self.network, "bounds_slope", False)

    def inner_features(self, *inputs: Array, **named: Any) -> Array:
        """What the last linear layer of the network inside sees, [B, F].

        Raises:
          InputError: it does not say what that is.
        """
        self.need_features()
        return self.network.features(*inputs, **named)

    def need_features(self) -> None:
        """Raises InputError unless the network inside says what its last linear layer sees."""
        if not hasattr(self.network, "features"):
            raise InputError(
                f"{name_of(self)!r} needs a network inside with a method 'features', such as"
                f" 'dcgan_discriminator'; {name_of(self.network)!r} has none"
            )
