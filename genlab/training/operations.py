"""Floating-point operations of a traced function: those of its matrix products and convolutions.

What the compiler computes once or drops is counted once or not at all: an operation whose operands
are those of another one is that one, and what no output needs does not count. The body of a `scan`
counts as often as it runs, that of a `while` once, since nobody knows how often. Of the branches of a
`cond` the most expensive counts, so that what is done in some rounds alone counts as if it were done in all.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from jax.extend import core

# Their inner program runs once, on the same operands.
_CALLS = (
    *("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat2"),
    *("custom_jvp_call", "custom_vjp_call"),
)


def count(traced: core.ClosedJaxpr) -> int:
    """Of one call; a multiplication and the addition that follows are two."""
    graph = _Graph()
    inputs = [graph.fresh() for _ in traced.jaxpr.invars]
    return graph.needed(graph.walk(traced, inputs))


class _Graph:
    """Operations by number, each with its cost and the numbers of its operands."""

    def __init__(self):
        self._costs: list[int] = []
        self._operands: list[Sequence[int]] = []
        self._known: dict[Any, int] = {}

    def fresh(self, cost: int = 0, operands: Sequence[int] = ()) -> int:
        self._costs.append(cost)
        self._operands.append(operands)
        return len(self._costs) - 1

    def walk(
        self, program: core.ClosedJaxpr | core.Jaxpr, inputs: Sequence[int]
    ) -> list[int]:
        """Takes up the equations of a program; the numbers of its outputs."""
        jaxpr = getattr(program, "jaxpr", program)
        numbers = dict(zip(jaxpr.invars, inputs, strict=True))
        constants = zip(jaxpr.constvars, getattr(program, "consts", ()), strict=True)
        for variable, value in constants:
            numbers[variable] = self._once(("constant", id(value)), 0, ())

        def number(atom: Any) -> int:
            if not isinstance(atom, core.Literal):
                return numbers[atom]
            return self._once(("literal", str(atom.aval), str(atom.val)), 0, ())

        for equation in jaxpr.eqns:
            operands = tuple(map(number, equation.invars))
            name, outputs = equation.primitive.name, equation.outvars
            if name in _CALLS:
                made = self.walk(inner_program(equation), operands)
            else:
                how = str(equation.params) if name not in _LOOPS else id(equation)
                made = [self._once((name, how, operands), _cost(equation), operands)]
                made = made * len(outputs)
            numbers |= dict(zip(outputs, made, strict=True))
        return list(map(number, jaxpr.outvars))

    def needed(self, outputs: Sequence[int]) -> int:
        """The cost of all that the outputs need."""
        seen, left, total = set(), list(outputs), 0
        while left:
            if (number := left.pop()) not in seen:
                seen.add(number)
                total += self._costs[number]
                left.extend(self._operands[number])
        return total

    def _once(self, key: Any, cost: int, operands: Sequence[int]) -> int:
        if key not in self._known:
            self._known[key] = self.fresh(cost, operands)
        return self._known[key]


def inner_program(equation: core.JaxprEqn) -> core.ClosedJaxpr | None:
    """The program that a call runs; None of an operation that is none."""
    for parameter in equation.params.values():
        if isinstance(parameter, core.ClosedJaxpr):
            return parameter
        if isinstance(parameter, core.Jaxpr):
            return core.ClosedJaxpr(parameter, ())
    return None


def _cost(equation: core.JaxprEqn) -> int:
    cost = _COSTS.get(equation.primitive.name)
    return cost(equation) if cost else 0


def _product(equation: core.JaxprEqn) -> int:
    left, out = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    (contracted, _), _ = equation.params["dimension_numbers"]
    return 2 * math.prod(out) * math.prod(left[axis] for axis in contracted)


def _native_convolution(equation: core.JaxprEqn) -> int:
    kernel, out = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
    features = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
    holes = math.prod(equation.params["lhs_dilation"])
    return 2 * math.prod(out) * math.prod(kernel) // features // holes


def _convolution(result: Callable, kernel: Callable) -> Callable:
    """Of genlab's three: each is a sum over pixels of the result and taps of the kernel."""

    def cost(equation: core.JaxprEqn) -> int:
        taps = math.prod(kernel(equation).aval.shape[-4:-1])
        return 2 * math.prod(result(equation).aval.shape) * taps

    return cost


def _loop(equation: core.JaxprEqn) -> int:
    return equation.params["length"] * count(equation.params["jaxpr"])


_LOOPS: dict[str, Callable[[core.JaxprEqn], int]] = {
    "scan": _loop,
    "while": lambda e: count(e.params["body_jaxpr"]),
    "cond": lambda e: max(map(count, e.params["branches"])),
}
_COSTS: dict[str, Callable[[core.JaxprEqn], int]] = {
    **_LOOPS,
    "dot_general": _product,
    "conv_general_dilated": _native_convolution,
    "genlab_convolve": _convolution(lambda e: e.outvars[0], lambda e: e.invars[1]),
    "genlab_convolve_adjoint": _convolution(
        lambda e: e.invars[0], lambda e: e.invars[1]
    ),
    "genlab_convolve_kernel": _convolution(
        lambda e: e.invars[1], lambda e: e.outvars[0]
    ),
}
