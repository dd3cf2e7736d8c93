"""What a part must return, checked when a program is traced, so that a mistake names its part."""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError


def with_checked_terms(objective: Callable) -> Callable:
    """The objective, whose every call checks what it returns: see `check_terms`.

    One value per example is as many as an array among its arguments has rows.
    """
    name = name_of(objective)

    @functools.wraps(objective)
    def checked(*arguments, **knobs):
        terms = objective(*arguments, **knobs)
        leaves = (
            np.shape(leaf) for leaf in jax.tree.leaves(arguments) if _is_array(leaf)
        )
        sizes = {shape[0] for shape in leaves if shape}
        check_terms(f"objective {name!r}", terms, sizes)
        return terms

    return checked


def name_of(part: Callable) -> str:
    """What messages call a part: its own name, or its type's where it is an object that is called."""
    return getattr(part, "__name__", type(part).__name__)


def check_terms(what: str, terms: Any, sizes: Collection[int] = ()) -> None:
    """Raises InputError unless `terms` is an array of floats, [B] or [], or a dict of such.

    Args:
      what: which part returned them, for the message.
      terms: what it returned.
      sizes: lengths that [B] may have; where there are none, any.
    """
    if isinstance(terms, Mapping):
        for name, term in terms.items():
            check_terms(f"{what}, term {name!r}", term, sizes)
        return
    wanted = "one number per example, [B], or one of them all, []"
    if not _is_array(terms):
        raise InputError(
            f"{what} returned a {type(terms).__name__}, not an array: {wanted}"
        )
    if not jnp.issubdtype(terms.dtype, jnp.floating):
        raise InputError(f"{what} returned {terms.dtype}, not floats: {wanted}")
    fits = not terms.shape or not sizes or terms.shape[0] in sizes
    if terms.ndim > 1 or not fits:
        told = f" of B={' or '.join(map(str, sorted(sizes)))}" if sizes else ""
        raise InputError(
            f"{what} returned shape {list(terms.shape)}{told}; it must be {wanted}"
        )


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray | np.generic)
