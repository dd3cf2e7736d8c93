"""The derivatives of what a trained model does, compiled once for each method."""

import functools

import jax
import numpy as np

from genlab.errors import InputError
from genlab.geometry import jacobian
from genlab.trained import Trained


def jacobian_of(trained: Trained, method: str, inputs: np.ndarray) -> np.ndarray:
    """Jacobians of `encode`, `decode` or another method at `inputs: [B, ...]`: [B, K, D].

    Raises:
      InputError: the experiment has no such method.
    """
    return _derived(jacobian.jacobian, trained, method, inputs)


def singular_values_of(trained: Trained, method: str, inputs: np.ndarray) -> np.ndarray:
    """Singular values of those Jacobians, the largest first: [B, min(K, D)].

    Raises:
      InputError: the experiment has no such method.
    """
    return _derived(jacobian.singular_values, trained, method, inputs)


def _derived(derivative, trained: Trained, method: str, inputs: np.ndarray):
    if not trained.has(method):
        family = type(trained.experiment).__name__
        raise InputError(f"experiment {family} does not {method}")
    # A bound method is equal to itself looked up again, so that a program is compiled once.
    function = getattr(trained.experiment, method)
    return jax.device_get(
        _compiled(derivative, function, trained.params, trained.extra, inputs)
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _compiled(derivative, function, params, extra, inputs):
    return derivative(lambda x: function(params, extra, x), inputs)
