"""The derivatives of what a trained model does, compiled once for each method.

The members of a population share what is compiled.
"""

import jax
import numpy as np

from genlab.errors import InputError
from genlab.geometry import jacobian
from genlab.part import name_of
from genlab.trained.trained import Trained


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
        family = name_of(trained.experiment)
        raise InputError(f"experiment {family!r} does not {method}")

    def of_method(experiment, params, extra, inputs):
        function = getattr(experiment, method)
        return derivative(lambda x: function(params, extra, x), inputs)

    compiled = trained.compile(f"{derivative.__name__}/{method}", of_method)
    return jax.device_get(compiled(trained.params, trained.extra, inputs))
