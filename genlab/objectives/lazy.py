"""Penalties that are paid now and then."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from genlab.numbers import Count

Array = jax.Array


def lazy(penalty: Callable) -> Callable:
    """The penalty with a knob `every`: it is paid in each round whose number `every` divides, that many
    times over; in between it costs nothing and its memory rests.

    A penalty of one's own gets the knob by this decorator, below `register`.

    Paper: Karras et al. 2020, arXiv:1912.04958, section 3.1
    """
    signature = _with_knob(inspect.signature(penalty))

    @functools.wraps(penalty)
    def paid(*needs: Any, **named: Any) -> Any:
        given = signature.bind(*needs, **named)
        step, every = given.arguments.pop("step", 0), given.arguments.pop("every", 1)
        if every == 1:
            return penalty(*given.args, **given.kwargs)
        remembers = "memory" in signature.parameters

        def now() -> tuple[Any, ...]:
            found = penalty(*given.args, **given.kwargs)
            terms, *memory = found if remembers else (found,)
            return jax.tree.map(lambda term: every * term, terms), *memory

        nothing = jax.tree.map(jnp.zeros_like, jax.eval_shape(now)[0])
        rest = (nothing, given.arguments["memory"]) if remembers else (nothing,)
        found = jax.lax.cond(step % every == 0, now, lambda: rest)
        return found if remembers else found[0]

    paid.__signature__ = signature
    paid.__annotations__ = {**penalty.__annotations__, "step": Array, "every": Count}
    return paid


def _with_knob(signature: inspect.Signature) -> inspect.Signature:
    """The signature with the need `step` and the knob `every`."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = list(signature.parameters.values())
    step = inspect.Parameter("step", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=0)
    every = inspect.Parameter("every", keyword, default=1, annotation=Count)
    needs = [parameter for parameter in own if parameter.kind != keyword]
    knobs = [parameter for parameter in own if parameter.kind == keyword]
    return signature.replace(parameters=[*needs, step, *knobs, every])
