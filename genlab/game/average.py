"""Exponential moving averages of players: what `extra["ema"]` holds."""

from collections.abc import Mapping
from typing import Any

import jax

from genlab.game.optim import Optimizer
from genlab.game.turn import State

Array = jax.Array
PyTree = Any


def first(
    params: PyTree, extra: PyTree, optimizers: Mapping[str, Optimizer]
) -> dict[str, PyTree]:
    """The averages before the first round, of the players whose optimizer keeps one."""
    return {
        name: _averaged(params, extra, name)
        for name, optimizer in optimizers.items()
        if optimizer.ema is not None
    }


def after_move(state: State, name: str, optimizer: Optimizer, moves: Array) -> State:
    """The state whose average of a player, where it keeps one, has moved towards it.

    Args:
      state: after the player's move.
      name: of the player.
      optimizer: of the player.
      moves: [] int32, its moves so far.
    """
    if optimizer.ema is None:
        return state
    averages = state.extra["ema"]
    new = _averaged(state.params, state.extra, name)
    renewed = {**averages, name: optimizer.averaged(averages[name], new, moves)}
    return state.replace(extra={**state.extra, "ema": renewed})


def view(state: State) -> tuple[PyTree, PyTree]:
    """`params` and `extra` of a state with the averages in their places."""
    params, extra = dict(state.params), dict(state.extra)
    for name, average in extra.pop("ema", {}).items():
        params[name] = average["params"]
        for collection, roles in average["variables"].items():
            extra[collection] = {**extra[collection], **roles}
    return params, extra


def _averaged(params: PyTree, extra: PyTree, name: str) -> PyTree:
    """What an average of a player is of: its parameters and its networks' variables."""
    roles = params[name]
    return {
        "params": roles,
        "variables": {
            collection: {role: tree[role] for role in roles if role in tree}
            for collection, tree in extra.items()
            if collection != "ema" and any(role in tree for role in roles)
        },
    }
