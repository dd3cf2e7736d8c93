"""A network in its role: a linen module, where its weights lie, and how it is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax

from genlab.game import rng

Array = jax.Array
PyTree = Any


@dataclass(frozen=True)
class Network:
    """A module in a role of the game (`generator`, `encoder`, ...).

    Its parameters are `params[player][role]`; its other variables (batch statistics, spectral-norm
    vectors) are `extra[collection][role]`.
    """

    role: str
    module: nn.Module

    def __call__(
        self, params: PyTree, extra: PyTree, *inputs: Array, method: str | None = None
    ) -> PyTree:
        """The network as it is used after training: nothing is drawn, nothing updated."""
        return self.module.apply(
            self._variables(params, extra), *inputs, train=False, method=method
        )

    def shape_of_output(self, *inputs: Array) -> PyTree:
        """Shapes and types of what the module makes of such inputs; nothing is computed."""
        return jax.eval_shape(
            lambda key: self.module.init_with_output(key, *inputs)[0], jax.random.key(0)
        )

    def train(
        self, params: PyTree, extra: PyTree, *inputs: Array, key: Array
    ) -> tuple[PyTree, PyTree]:
        """The network in training mode, and `extra` with this role's variables renewed."""
        collections = [name for name in extra if self.role in extra[name]]
        outputs, changed = self.module.apply(
            self._variables(params, extra),
            *inputs,
            train=True,
            rngs={"dropout": rng.fold(key, f"{self.role}/dropout")},
            mutable=collections,
        )
        renewed = {
            name: {**extra[name], self.role: variables}
            for name, variables in changed.items()
        }
        return outputs, {**extra, **renewed}

    def _variables(self, params: PyTree, extra: PyTree) -> dict[str, PyTree]:
        (weights,) = (
            roles[self.role] for roles in params.values() if self.role in roles
        )
        others = {
            name: extra[name][self.role] for name in extra if self.role in extra[name]
        }
        return {"params": weights, **others}


def initialize(
    key: Array, players: dict[str, Sequence[tuple[Network, Sequence[Array]]]]
) -> tuple[dict[str, PyTree], dict[str, PyTree]]:
    """Parameters and further variables of every player's networks.

    Args:
      key: the key of the initialisation.
      players: for each player its networks, each with example inputs.

    Returns:
      `params[player][role]` and `extra[collection][role]`.
    """
    params: dict[str, PyTree] = {player: {} for player in players}
    extra: dict[str, PyTree] = {}
    for player, networks in players.items():
        for network, inputs in networks:
            variables = network.module.init(rng.fold(key, network.role), *inputs)
            for collection, tree in variables.items():
                home = (
                    params[player]
                    if collection == "params"
                    else extra.setdefault(collection, {})
                )
                home[network.role] = tree
    return params, extra
