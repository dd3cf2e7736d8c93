"""What a backward pass computes again rather than have it kept: less memory, for more time.

Paper: Chen et al. 2016, arXiv:1604.06174
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

from genlab.errors import InputError, suggest

_PRODUCTS = (
    *("dot_general", "conv_general_dilated"),
    *("genlab_convolve", "genlab_convolve_adjoint", "genlab_convolve_kernel"),
)


def _is_product(primitive: Any, *_: Any, **__: Any) -> bool:
    return primitive.name in _PRODUCTS


# Of what each network computes.
WAYS: dict[str, Callable[[Callable], Callable]] = {
    "none": lambda function: function,
    "elementwise": functools.partial(jax.checkpoint, policy=_is_product),
    "all": jax.checkpoint,
}

_way = contextvars.ContextVar("remat", default="none")


def check(way: str) -> None:
    """Raises InputError for a way that is not one of WAYS."""
    if way not in WAYS:
        raise InputError(f"remat={way!r} is unknown{suggest(way, WAYS)}")


@contextlib.contextmanager
def rematerialised(way: str) -> Iterator[None]:
    """While tracing inside: networks in training mode keep less for their backward pass."""
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)


def kept(function: Callable) -> Callable:
    """The function of arrays, of which as much is kept as `rematerialised` says."""
    return WAYS[_way.get()](function)
