"""A function of a batch, applied to one piece of it after another."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def _pieces(arrays: Sequence[Array], count: int) -> Callable[[int], list[Array]]:
    """Piece i of each array: every `count`-th example, so that devices keep theirs."""
    cut = [a.reshape(a.shape[0] // count, count, *a.shape[1:]) for a in arrays]
    return lambda i: [lax.dynamic_index_in_dim(a, i, 1, keepdims=False) for a in cut]


def piecewise(function: Callable[..., Array], *arrays: Array, count: int) -> Array:
    """`function` of a batch, piece by piece."""
    if count == 1:
        return function(*arrays)
    piece = _pieces(arrays, count)
    like = jax.eval_shape(lambda: function(*piece(0)))
    made = jnp.zeros((len(arrays[0]) // count, count, *like.shape[1:]), like.dtype)

    def step(i: int, made: Array) -> Array:
        return lax.dynamic_update_index_in_dim(made, function(*piece(i)), i, 1)

    made = lax.fori_loop(0, count, step, made)
    return made.reshape(-1, *like.shape[1:])


def summed(function: Callable[..., list], *arrays: Array, count: int) -> list[Array]:
    """What `function` makes of the pieces of a batch, added up."""
    piece = _pieces(arrays, count)
    step = lambda i, total: jax.tree.map(jnp.add, total, function(*piece(i)))
    return lax.fori_loop(1, count, step, function(*piece(0)))
