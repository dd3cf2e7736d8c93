"""A discriminator that tells more of an example than whether it is real."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.models.wrapper import Wrapper
from genlab.numbers import Count, Whole
from genlab.part import name_of
from genlab.registry import models

Array = jax.Array


@models.register
class Heads(Wrapper):
    """A discriminator with further linear heads on its trunk: the class of an example, its codes, by how much it
    was turned, or what its parts and the whole are compared by.

    All heads share the trunk, the method `features` of the network inside; `local` is of its method `maps`.

    Papers: Odena et al. 2017, arXiv:1610.09585 (classes); Chen et al. 2016, arXiv:1606.03657 (codes); Chen et al.
      2019, arXiv:1811.11212 (rotations); Lee et al. 2021, arXiv:2007.04589 (local, whole)

    Attributes:
      network: the network inside, `dict(name="dcgan_discriminator", width=32)`.
      heads: names of them, of `classes`, `codes`, `rotations`, `local` and `whole`.
      num_classes: of the data.
      code_width: numbers that a code of the game is.
      pair_width: numbers that `local` and `whole` are compared in.
      dtype: type of the computation.
    """

    heads: Sequence[str] = ("classes",)
    num_classes: Whole = 0
    code_width: Whole = 0
    pair_width: Count = 128
    dtype: Any = jnp.float32

    def features(self, x: Array, *, train: bool = False) -> Array:
        """Those of the network inside, [B, F]."""
        return self.inner_features(x, train=train)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> dict[str, Array]:
        """Maps `x: [B, ...]` to `logits`, [B], and to what each head says, float32.

        Returns:
          `logits: [B]`, `classes: [B, num_classes]` logits, `codes: [B, code_width]` logits of
          categories and means of values, `rotations: [B, 4]` logits of quarter turns, `local: [B, L, E]` of
          each place of the map and `whole: [B, E]`.

        Raises:
          InputError: another head, one without data or codes that it could be of, or a network that
            has no `features`, or no `maps` for `local`.
        """
        y = self.inner_features(x, train=train)
        found = {"logits": nn.Dense(1, dtype=self.dtype, name="logits")(y)[:, 0]}
        for head in self.heads:
            seen = self._places(x, train) if head == "local" else y
            width = self._width(head)
            # InfoNCE does not see a bias of `local`, which would follow rounding.
            options = dict(use_bias=head != "local", dtype=self.dtype, name=head)
            found[head] = nn.Dense(width, **options)(seen)
        return {name: values.astype(jnp.float32) for name, values in found.items()}

    def _places(self, x: Array, train: bool) -> Array:
        """Local features of each place of `x: [B, ...]`: [B, L, F]."""
        if not hasattr(self.network, "maps"):
            raise InputError(
                "the head 'local' needs a network inside with a method 'maps', such as"
                f" 'sngan_discriminator'; {name_of(self.network)!r} has none"
            )
        maps = self.network.maps(x, train=train)
        return maps.reshape(x.shape[0], -1, maps.shape[-1])

    def _width(self, head: str) -> int:
        widths = {
            "classes": self.num_classes,
            "codes": self.code_width,
            "rotations": 4,
            "local": self.pair_width,
            "whole": self.pair_width,
        }
        if head not in widths:
            raise InputError(
                f"model 'heads' has no head {head!r}{suggest(head, widths)}"
            )
        if not widths[head]:
            lacks = {"classes": "data without labels", "codes": "a game without codes"}
            raise InputError(f"model 'heads' has the head {head!r}, and {lacks[head]}")
        return widths[head]
