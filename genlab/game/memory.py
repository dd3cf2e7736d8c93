"""What parts remember from move to move: `extra["memory"][slot][part]`.

A part with a memory says how it starts by an attribute: `memory = {"mean": 0.0}`, numbers or arrays by
name, or a function of the parameters of the player that the slot belongs to. It needs `memory` and
returns what it makes and the memory afterwards. A family keeps it in the slots where it offers one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game.slots import ask_part, parts_in, player_of
from genlab.game.turn import Draw
from genlab.part import name_of, result_and_memory, says

Array = jax.Array
PyTree = Any

COLLECTION = "memory"


def first(experiment: Any, params: Mapping[str, PyTree]) -> dict[str, PyTree]:
    """The memories before the first round, of every part that keeps one: slot -> part -> tree."""
    found: dict[str, PyTree] = {}
    for slot in _remembering(experiment):
        for name, part in parts_in(experiment, slot).items():
            start = says(part, "memory")
            if callable(start):
                start = start(params[player_of(type(experiment), slot)])
            if start is not None:
                number = lambda leaf: jnp.asarray(leaf, jnp.float32)
                found.setdefault(slot, {})[name] = jax.tree.map(number, start)
    return found


def of(extra: PyTree, slot: str, name: str) -> PyTree:
    """What a part remembers, None where it keeps nothing."""
    return extra.get(COLLECTION, {}).get(slot, {}).get(name)


def renewed(extra: PyTree, slot: str, name: str, new: PyTree) -> PyTree:
    """`extra` with the memory of a part in the place of its old one; no gradient flows through.

    Raises:
      InputError: it has another structure or other shapes.
    """
    old, new = of(extra, slot, name), jax.lax.stop_gradient(new)
    if _shapes(old) != _shapes(new):
        raise InputError(
            f"{name!r} in {slot} returned another memory than it was given: {_shapes(new)}, not"
            f" {_shapes(old)}"
        )
    slots = extra[COLLECTION]
    renewed = {**slots, slot: {**slots[slot], name: new}}
    return {**extra, COLLECTION: renewed}


def numbers(extra: PyTree) -> dict[str, Array]:
    """What parts remember that is one number, by slot, part and name, to be logged."""
    return {
        f"{COLLECTION}_{slot}_{part}_{name}": value
        for slot, parts in extra.get(COLLECTION, {}).items()
        for part, held in parts.items()
        for name, value in held.items()
        if isinstance(value, jax.Array) and not value.ndim
    }


def ask(
    experiment: Any,
    slot: str,
    name: str,
    part: Callable,
    draw: Draw,
    extra: PyTree,
    stream: str,
    knobs: Mapping[str, Any],
    offered: Mapping[str, Any],
) -> tuple[Any, PyTree]:
    """What a part makes of a draw, see `Experiment.ask`, and `extra` with its memory renewed."""
    memory = of(extra, slot, name)
    if memory is None:
        return ask_part(experiment, slot, part, draw, stream, knobs, offered), extra
    given = {**offered, "memory": memory}
    found = ask_part(experiment, slot, part, draw, stream, knobs, given)
    result, new = result_and_memory(repr(name_of(part)), part, found)
    return result, renewed(extra, slot, name, new)


def _remembering(experiment: Any) -> list[str]:
    """The slots where the family offers a memory."""
    return [slot for slot, offers in experiment.OFFERS.items() if "memory" in offers]


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: list(jnp.shape(leaf)), tree)
