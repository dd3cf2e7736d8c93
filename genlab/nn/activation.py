"""Activations by the name that a config gives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from genlab.errors import InputError, suggest

Array = jax.Array


def leaky_relu(x: Array) -> Array:
    """`x` where positive, otherwise 0.2 x: the slope of DCGAN's discriminator."""
    return jnp.where(x > 0, x, 0.2 * x)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": nn.elu,
    "gelu": nn.gelu,
    "identity": lambda x: x,
    "leaky_relu": leaky_relu,
    "relu": nn.relu,
    "sigmoid": nn.sigmoid,
    "silu": nn.silu,
    "softplus": nn.softplus,
    "tanh": jnp.tanh,
}


def activation(name: str) -> Callable[[Array], Array]:
    """The element-wise function called `name`.

    Raises:
      InputError: no such activation; names close ones.
    """
    if name not in ACTIVATIONS:
        raise InputError(f"unknown activation {name!r}{suggest(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]
