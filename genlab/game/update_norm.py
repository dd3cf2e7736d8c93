"""How far an update goes, which on a CPU can cost a tenth of a small network's round."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from genlab.game.sums import norm

Array = jax.Array
PyTree = Any


def ahead(
    step: Callable[[PyTree], tuple[PyTree, PyTree]], gradient: PyTree, due: bool | Array
) -> tuple[Array, PyTree]:
    """The norm of the update to come, and the gradient that makes it.

    Args:
      step: from the gradient to the update and the state of the optimizer after it.
      gradient: of the player.
      due: whether the norm is asked for: [] bool, or known when this is traced.

    Returns:
      [], on a CPU 0 where it is not due; other devices would wait for the answer longer than for the
      norm. And the gradient: on a CPU it comes after the norm, so that the optimizer's state, which the
      norm needs as it was, can be overwritten in its place and is not copied.
    """
    if due is True:
        return norm(step(gradient)[0]), gradient

    def told(gradient: PyTree) -> tuple[Array, PyTree]:
        return norm(step(gradient)[0]), gradient

    def told_where_due(gradient: PyTree) -> tuple[Array, PyTree]:
        none = lambda gradient: jnp.zeros(())
        size = lax.cond(due, lambda g: norm(step(g)[0]), none, gradient)
        nothing = jnp.where(size < 0, size, 0.0)  # which the compiler does not know
        after = lambda leaf: leaf + nothing.astype(leaf.dtype)
        return size, jax.tree.map(after, gradient)

    return lax.platform_dependent(gradient, cpu=told_where_due, default=told)
