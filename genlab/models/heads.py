"""A discriminator that tells more of an example than whether it is real."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.models.wrapper import Wrapper
from genlab.numbers import Whole
from genlab.registry import models

Array = jax.Array


@models.register
class Heads(Wrapper):
    """A discriminator with further linear heads on its trunk: the class of an example, or its codes.

    All heads share the trunk, the method `features` of the network inside.

    Paper: Odena et al. 2017, arXiv:1610.09585 (classes); Chen et al. 2016, arXiv:1606.03657 (codes)

    Attributes:
      network: the network inside, `dict(name="dcgan_discriminator", width=32)`.
      heads: names of them, of `classes` and `codes`.
      num_classes: of the data.
      code_width: numbers that a code of the game is.
      dtype: type of the computation.
    """

    heads: Sequence[str] = ("classes",)
    num_classes: Whole = 0
    code_width: Whole = 0
    dtype: Any = jnp.float32

    def features(self, x: Array, *, train: bool = False) -> Array:
        """Those of the network inside, [B, F]."""
        return self.inner_features(x, train=train)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> dict[str, Array]:
        """Maps `x: [B, ...]` to `logits`, [B], and to what each head says, float32.

        Returns:
          `logits: [B]`, `classes: [B, num_classes]` logits, `codes: [B, code_width]` logits of
          categories and means of values.

        Raises:
          InputError: another head, one without data or codes that it could be of, or a network that
            has no `features`.
        """
        y = self.inner_features(x, train=train)
        found = {"logits": nn.Dense(1, dtype=self.dtype, name="logits")(y)[:, 0]}
        for head in self.heads:
            width = self._width(head)
            found[head] = nn.Dense(width, dtype=self.dtype, name=head)(y)
        return {name: values.astype(jnp.float32) for name, values in found.items()}

    def _width(self, head: str) -> int:
        widths = {"classes": self.num_classes, "codes": self.code_width}
        if head not in widths:
            raise InputError(
                f"model 'heads' has no head {head!r}{suggest(head, widths)}"
            )
        if not widths[head]:
            lacks = {"classes": "data without labels", "codes": "a game without codes"}
            raise InputError(f"model 'heads' has the head {head!r}, and {lacks[head]}")
        return widths[head]
