"""Products of float32 in float32, where accelerators would round to 10 bits, or 7."""

import functools
from collections.abc import Callable
from typing import Any

import jax


def exact_products(function: Callable) -> Callable:
    """The function, traced such that products and convolutions of float32 are of float32.

    Networks train well without; what subtracts large numbers or inverts matrices does not, nor is a
    number that was measured to depend on the device. On a CPU nothing changes.
    """

    @functools.wraps(function)
    def exact(*arguments: Any, **named: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*arguments, **named)

    return exact
