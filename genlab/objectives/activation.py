"""The mean activation of each unit of a code, over a batch or running over many."""

from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel

Array = jax.Array
PyTree = Any

COLLECTION = "code_mean"  # of `extra`


def check_decay(regularizer: Any, decay: float | None) -> None:
    """Raises InputError where a running mean is kept that no regularizer looks at."""
    if regularizer is None and decay is not None:
        raise InputError(
            f"experiment.mean_decay={decay} is of the mean activations that a regularizer looks at, and there is"
            " none; take 'kl_sparsity', or None"
        )


def first_mean(width: int) -> PyTree:
    """What `extra` keeps of a running mean before the first round: 0.5 for each unit."""
    return {COLLECTION: {"units": jnp.full((width,), 0.5)}}


def mean_activations(
    code: Array, extra: PyTree, *, decay: float | None
) -> tuple[Array, PyTree]:
    """The mean activations of `code: [B, K]` over the whole batch: [K], and `extra` renewed.

    With a decay the value is the running mean, decay old + (1 - decay) new, and the slope that of
    the batch's mean, which the share of the new would scale down.

    Args:
      code: of this device's share of the batch.
      extra: of the state, with `first_mean` in it where there is a decay.
      decay: share of the old, in [0, 1]; None for the mean of the batch alone.

    Paper: Lee, Ekanadham & Ng 2008, NIPS 20
    """
    mean = parallel.mean_over_devices(jnp.mean(code, axis=0))
    if decay is None:
        return mean, extra
    old = extra[COLLECTION]["units"]
    running = jax.lax.stop_gradient(decay * old + (1 - decay) * mean)
    value = running + (mean - jax.lax.stop_gradient(mean))
    return value, {**extra, COLLECTION: {"units": running}}
