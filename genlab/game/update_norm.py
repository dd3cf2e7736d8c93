"""How far an update goes, which is asked once in a call of many rounds."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from genlab.game.sums import norm

Array = jax.Array
PyTree = Any
Step = Callable[[PyTree], tuple[PyTree, PyTree]]


def taken(
    step: Step, gradient: PyTree, due: bool | Array
) -> tuple[PyTree, PyTree, Array]:
    """A step of an optimizer, and how far it goes.

    Args:
      step: from the gradient to the update and the state after it.
      gradient: of the player.
      due: whether the norm is asked for: [] bool, or known when this is traced.

    Returns:
      The update, the state, and the norm of the update, [] float32: on a CPU 0 where it is not due. Other
      devices would wait for the answer longer than for the norm.
    """
    if due is True:
        update, state = step(gradient)
        return update, state, _length(update)

    def told(gradient: PyTree) -> tuple[Array, PyTree]:
        return _length(step(gradient)[0]), gradient

    def told_where_due(gradient: PyTree) -> tuple[Array, PyTree]:
        none = lambda gradient: jnp.zeros((), jnp.float32)
        length = lax.cond(due, lambda g: _length(step(g)[0]), none, gradient)
        # The step comes after the norm, which needs the optimizer's state as it was: it then overwrites
        # that in its place, and nothing is copied. What is added is 0, which the compiler does not know.
        nothing = jnp.where(length < 0, length, 0.0)
        after = lambda leaf: leaf + nothing.astype(leaf.dtype)
        return length, jax.tree.map(after, gradient)

    length, gradient = lax.platform_dependent(
        gradient, cpu=told_where_due, default=told
    )
    return *step(gradient), length


def _length(update: PyTree) -> Array:
    return norm(update).astype(jnp.float32)
