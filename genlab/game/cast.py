"""The networks of a family as they play in one draw."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import jax

from genlab.game.experiment import Array, PyTree
from genlab.game.network import Network


@dataclasses.dataclass
class Cast:
    """Networks by role at some parameters, called alike in training and after it.

    Attributes:
      networks: by role.
      params: `params[player][role]`.
      extra: `extra[collection][role]`; in training every call leaves here what it renews.
      key: of the draw, in training; None after it, when nothing is drawn or renewed.
    """

    networks: Mapping[str, Network]
    params: PyTree
    extra: PyTree
    key: Array | None = None

    def __contains__(self, role: str) -> bool:
        return role in self.networks

    def __call__(
        self,
        role: str,
        *inputs: Array,
        label: Array | None = None,
        method: str | None = None,
    ) -> PyTree:
        """What the network in a role makes of the inputs; with `label: [B]` where it takes one."""
        network = self.networks[role]
        seen = (self.params, self.extra, *inputs)
        if self.key is None:
            return network(*seen, label=label, method=method)
        outputs, self.extra = network.train(
            *seen, key=self.key, label=label, method=method
        )
        return outputs

    def again(self) -> Self:
        """The same cast, from whose calls nothing is renewed here."""
        return dataclasses.replace(self)

    def held(self) -> Self:
        """As `again`, with parameters that no gradient reaches."""
        return dataclasses.replace(self, params=jax.lax.stop_gradient(self.params))
