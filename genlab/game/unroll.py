"""Gradient steps of one player inside the loss of another."""

from collections.abc import Callable
from typing import Any

import jax

from genlab.game import parallel

Array = jax.Array
PyTree = Any


def moved_ahead(
    loss: Callable[[PyTree], Array], params: PyTree, steps: int, rate: float | Array
) -> PyTree:
    """Parameters after gradient steps on a loss, differentiable by all that the loss depends on.

    Args:
      loss: of parameters like these, [], the mean over this device's examples.
      params: where the steps begin.
      steps: how many, theta <- theta - rate grad loss(theta).
      rate: learning rate.

    Paper: Metz et al. 2017, arXiv:1611.02163, equations 4 to 6
    """

    def step(own: PyTree, _: None) -> tuple[PyTree, None]:
        slope = parallel.mean_over_devices(jax.grad(loss)(own))
        return jax.tree.map(lambda value, by: value - rate * by, own, slope), None

    return jax.lax.scan(step, params, length=steps)[0]
