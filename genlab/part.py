"""What a part needs, which of its knobs follow a schedule, and what it must return.

Positional parameters of a part are its needs, keyword-only ones its knobs. Who calls a part offers
named values and the part is given those that it names; one with a default is given if it is offered.
What is returned is checked when a program is traced, so that a mistake names its part.
"""

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError, suggest

Array = jax.Array

# What registered functions and classes are called.
REGISTERED: dict[Callable, str] = {}


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """A knob that is `value` times a factor of the step.

    Attributes:
      value: a float or a traced scalar.
      factor: of the step, [] int32, a float [].
      what: the part and its knob, as messages call them.
      annotation: of the knob, with its range.
    """

    value: float | Array
    factor: Callable[[Array], Array]
    what: str
    annotation: Any


def settled(thing: Any, step: Array) -> Any:
    """The part, built, with the value of this step for every knob that follows a schedule.

    Args:
      thing: a function with knobs bound, an instance of a dataclass, or anything else, which is
        returned as it is.
      step: [] int32, rounds done.
    """
    if isinstance(thing, Scheduled):
        return thing.value * thing.factor(step)
    new = _changed(bound_knobs(thing), step)
    if not new:
        return thing
    if isinstance(thing, functools.partial):
        return functools.partial(thing, **new)
    return dataclasses.replace(thing, **new)


def bound_knobs(thing: Any) -> Mapping[str, Any]:
    """The knobs of a part as it was built: a function with knobs bound, or an instance of a dataclass."""
    if isinstance(thing, functools.partial):
        return thing.keywords
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        return {}
    fields = dataclasses.fields(thing)
    return {field.name: getattr(thing, field.name) for field in fields if field.init}


def _changed(knobs: Mapping[str, Any], step: Array) -> dict[str, Any]:
    """Those of the knobs that have another value at this step than now."""
    kinds = (Scheduled, functools.partial)
    now = {k: settled(v, step) for k, v in knobs.items() if isinstance(v, kinds)}
    return {knob: value for knob, value in now.items() if value is not knobs[knob]}


def needs_of(part: Callable) -> dict[str, bool]:
    """What a part needs, by name, in the order of its parameters; whether it cannot do without."""
    call = part.__call__ if inspect.isclass(part) else part
    needs = {
        parameter.name: parameter.default is inspect.Parameter.empty
        for parameter in inspect.signature(call).parameters.values()
        if parameter.kind
        in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    if inspect.isclass(part):
        needs.pop(next(iter(needs)))  # self
    return needs


def check_needs(
    what: str, part: Callable, offered: Collection[str], who: str, slot: str
) -> None:
    """Raises InputError at the first need of a part that is not offered.

    Args:
      what: what messages call the part, `objective 'elbo'`.
      part: a function or a class.
      offered: names of the values.
      who: whose slot it is in, for the message.
      slot: where it is.
    """
    for need, needed in needs_of(part).items():
        if needed and need not in offered:
            hint = suggest(need, offered)
            raise InputError(
                f"{what} needs {need!r}, which {who} does not offer its {slot}; it offers"
                f" {', '.join(offered)}{hint if 'did you mean' in hint else ''}"
            )


def ask(part: Callable, offered: Mapping[str, Any], who: str, slot: str) -> Any:
    """Calls a part with those of the offered values that it names.

    Raises:
      InputError: it needs one that is not offered; see `check_needs`.
    """
    check_needs(repr(name_of(part)), part, offered, who, slot)
    parameters = inspect.signature(part).parameters.values()
    given = [p for p in parameters if p.name in offered and p.kind != p.KEYWORD_ONLY]
    in_order = [offered[p.name] for p in given if p.kind == p.POSITIONAL_ONLY]
    by_name = {p.name: offered[p.name] for p in given if p.kind != p.POSITIONAL_ONLY}
    return part(*in_order, **by_name)


def function_of(part: Callable) -> Callable:
    """The function itself behind what a registry built of it."""
    return inspect.unwrap(part.func if isinstance(part, functools.partial) else part)


def says(part: Callable, what: str, otherwise: Any = None) -> Any:
    """What a part, built or not, says of itself: an attribute of the function or object."""
    told = part.func if isinstance(part, functools.partial) else part
    return getattr(told, what, otherwise)


def name_of(part: Callable) -> str:
    """What messages call a part: the name that it, or its type, is registered by, or else its own."""
    part = function_of(part)
    made = part if hasattr(part, "__name__") else type(part)
    return REGISTERED.get(made, made.__name__)


def is_same_file(one: Callable, other: Callable) -> bool:
    """Whether two modules are one file, as `experiments.vae` of a checkout and the family's own are."""
    modules = [sys.modules.get(part.__module__) for part in (one, other)]
    files = {getattr(module, "__file__", None) for module in modules}
    return modules[0] is not modules[1] and len(files) == 1 and None not in files


def with_checked_terms(objective: Callable) -> Callable:
    """The objective, whose every call checks what it returns: see `check_terms`.

    One value per example is as many as an array among its arguments has rows.
    """
    what = f"objective {name_of(objective)!r}"

    @functools.wraps(objective)
    def checked(*arguments, **named):
        found = objective(*arguments, **named)
        terms, _ = result_and_memory(what, objective, found)
        leaves = jax.tree.leaves((arguments, named))
        shapes = (np.shape(leaf) for leaf in leaves if _is_array(leaf))
        check_terms(what, terms, {shape[0] for shape in shapes if shape})
        return found

    return checked


def result_and_memory(what: str, part: Callable, found: Any) -> tuple[Any, Any]:
    """What a part returned apart from its memory, and that one, None where it keeps none.

    Raises:
      InputError: it declares a memory, and returned no pair.
    """
    if says(part, "memory") is None:
        return found, None
    if not isinstance(found, tuple) or len(found) != 2:
        raise InputError(
            f"{what} keeps a memory and returned a {type(found).__name__}; it must be what it"
            " makes and its memory, two things"
        )
    return found


def as_terms(found: Any, name: str) -> dict[str, Any]:
    """What a part returned, as terms by name: a dict of them, or one, which is given the name."""
    return dict(found) if isinstance(found, Mapping) else {name: found}


def giving(kind: str, *, same: bool) -> Callable[[Callable], Callable]:
    """What a registry watches parts with that make of one array another; see `check_array`."""

    def watched(part: Callable) -> Callable:
        @functools.wraps(part)
        def checked(array: Array, *arguments, **named):
            found = part(array, *arguments, **named)
            check_array(f"{kind} {name_of(part)!r}", found, array, same=same)
            return found

        return checked

    return watched


def check_array(what: str, found: Any, given: Array, *, same: bool) -> None:
    """Raises InputError unless a part made an array of the shape of the one that it was given or,
    where that need not be the `same`, of as many axes."""
    shape = getattr(found, "shape", None)
    fits = shape == given.shape if same else len(shape or ()) == given.ndim
    if not fits:
        told = f"a {type(found).__name__}" if shape is None else f"shape {list(shape)}"
        like = f"shape {list(given.shape)}" if same else f"{given.ndim} axes"
        raise InputError(f"{what} returned {told}; it must be an array of {like}")


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
    else:
        check_term(what, terms, sizes)


def check_term(what: str, term: Any, sizes: Collection[int] = ()) -> None:
    """Raises InputError unless `term` is an array of floats, [B] or []; as `check_terms`."""
    wanted = "one number per example, [B], or one of them all, []"
    if not _is_array(term):
        raise InputError(
            f"{what} returned a {type(term).__name__}, not an array: {wanted}"
        )
    if not jnp.issubdtype(term.dtype, jnp.floating):
        raise InputError(f"{what} returned {term.dtype}, not floats: {wanted}")
    fits = not term.shape or not sizes or term.shape[0] in sizes
    if term.ndim > 1 or not fits:
        told = f" of B={' or '.join(map(str, sorted(sizes)))}" if sizes else ""
        raise InputError(
            f"{what} returned shape {list(term.shape)}{told}; it must be {wanted}"
        )


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray | np.generic)
