"""Where a traced function first makes a number that is not finite, found operation by operation.

The function is evaluated one operation after another. From an output that is not finite the way goes
back over operands that are not, to the first operation whose operands all are; of a loop or a call it
goes on inside. What is masked out on the way, such as an infinity under `where`, is passed over.
"""

import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.extend import core

from genlab.training.operations import inner_program

_TRANSFORMS = ("", "jvp", "transpose", "vmap")
_THEIRS = tuple(Path(module.__file__).parent for module in (jax, flax, optax, chex))
_STANDARD = Path(sysconfig.get_path("stdlib"))


@dataclass(frozen=True)
class Numbers:
    """What an array holds, in few numbers: of those that are finite the norm and the range.

    Attributes:
      shape: of the array.
      dtype: of the array.
      size: how many numbers.
      infinite: how many of them are not finite.
      norm: root of the sum of squares.
      low: the least.
      high: the greatest.
    """

    shape: tuple[int, ...]
    dtype: str
    size: int
    infinite: int
    norm: float
    low: float
    high: float

    @classmethod
    def of(cls, array: Any) -> Self:
        """Of an array of numbers."""
        numbers = np.asarray(array).astype(np.float64).ravel()
        finite = numbers[np.isfinite(numbers)]
        known = finite if finite.size else np.full(1, np.nan)
        norm, low, high = np.linalg.norm(known), known.min(), known.max()
        shape, dtype = np.shape(array), str(array.dtype)
        missing = numbers.size - finite.size
        return cls(
            shape, dtype, numbers.size, missing, float(norm), float(low), float(high)
        )

    def __str__(self) -> str:
        kind = f"{list(self.shape)} {self.dtype}"
        if not self.size:
            return kind
        found = f"norm {self.norm:.4g}, from {self.low:.4g} to {self.high:.4g}"
        if not self.infinite:
            return f"{kind}: {found}"
        rest = f", the others {found}" if self.infinite < self.size else ""
        return f"{kind}: {self.infinite:,} of {self.size:,} not finite{rest}"


@dataclass(frozen=True)
class Origin:
    """What first was not finite.

    Attributes:
      operation: JAX's name of it; empty where an argument of the function was not finite already.
      argument: which argument that is, counted over all leaves.
      scopes: names of the scopes (`jax.named_scope`) that the operation was traced in, outermost first.
      backward: whether it belongs to a gradient.
      line: file, line and function that asked for it, outside of JAX and Flax.
      operands: what it was given.
      result: what it made.
    """

    operation: str = ""
    argument: int = -1
    scopes: tuple[str, ...] = ()
    backward: bool = False
    line: str = ""
    operands: tuple[Numbers, ...] = ()
    result: tuple[Numbers, ...] = ()


def origin(traced: core.ClosedJaxpr, arguments: Sequence[Any]) -> Origin | None:
    """What first was not finite on the way to an output of a function that is not.

    Args:
      traced: the function.
      arguments: its leaves, in order.

    Returns:
      None where every output is finite.
    """
    return _find(traced, arguments, [True] * len(traced.jaxpr.outvars), "")


@dataclass(frozen=True)
class _Event:
    """An operation whose results are not all finite.

    Attributes:
      equation: the operation.
      guilty: its operands that are not finite and matter.
      operands: what it was given, kept where no operand is guilty.
      results: what it made, likewise.
    """

    equation: core.JaxprEqn
    guilty: tuple[core.Var, ...]
    operands: tuple[Any, ...] = ()
    results: tuple[Any, ...] = ()


def _find(
    program: core.ClosedJaxpr,
    arguments: Sequence[Any],
    asked: Sequence[bool],
    stack: str,
) -> Origin | None:
    """As `origin`, of those outputs that are asked for; `stack` has the scopes around the program."""
    jaxpr = program.jaxpr
    events, bad = _evaluated(program, arguments)
    outputs = zip(jaxpr.outvars, asked, strict=True)
    wanted = {v for v, flag in outputs if flag and v in bad}
    first = None
    for event in reversed(events):
        if wanted.isdisjoint(event.equation.outvars):
            continue
        asked = [variable in wanted for variable in event.equation.outvars]
        wanted.update(event.guilty)
        first = first if event.guilty else (event, asked)
    for index, variable in enumerate(jaxpr.invars):
        if variable in wanted:
            return Origin(argument=index)
    return _described(*first, stack) if first else None


def _evaluated(
    program: core.ClosedJaxpr, arguments: Sequence[Any]
) -> tuple[list[_Event], set[Any]]:
    """The operations that are not finite, in order, and the outputs that are not."""
    jaxpr, events = program.jaxpr, []
    values = dict(zip(jaxpr.invars, arguments, strict=True))
    values |= dict(zip(jaxpr.constvars, program.consts, strict=True))
    fixed = set(jaxpr.constvars)  # what no argument has a part in, a mask's infinity
    last = {v: n for n, e in enumerate(jaxpr.eqns) for v in _variables(e.invars)}
    last |= dict.fromkeys(_variables(jaxpr.outvars), len(jaxpr.eqns))
    for number, equation in enumerate(jaxpr.eqns):
        operands = [_value(atom, values) for atom in equation.invars]
        results = _bound(equation, operands)
        values |= dict(zip(equation.outvars, results, strict=True))
        variables = set(_variables(equation.invars))
        if variables <= fixed:
            fixed.update(equation.outvars)
        if any(map(_is_bad, results)):
            guilty = _guilty(equation, operands, results, fixed)
            kept = () if guilty else (tuple(operands), tuple(results))
            events.append(_Event(equation, guilty, *kept))
        for variable in (*variables, *equation.outvars):
            if last.get(variable, number) <= number:
                values.pop(variable, None)
    # A literal is no key, and never what was made.
    bad = {v for v in _variables(jaxpr.outvars) if _is_bad(values[v])}
    return events, bad


def _bound(equation: core.JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    primitive = equation.primitive
    with equation.ctx.manager:
        found = primitive.bind(*operands, **primitive.get_bind_params(equation.params))
    return found if primitive.multiple_results else [found]


def _guilty(
    equation: core.JaxprEqn,
    operands: Sequence[Any],
    results: Sequence[Any],
    fixed: set[core.Var],
) -> tuple[core.Var, ...]:
    """The operands that are not finite and reach the results; NaN come from NaN where there are any."""
    pairs = list(zip(equation.invars, operands, strict=True))
    if equation.primitive.name == "select_n":
        which = np.asarray(operands[0]).astype(int)
        shown = [np.where(which == n, x, 0) for n, x in enumerate(operands[1:])]
        pairs = list(zip(equation.invars[1:], shown, strict=True))
    bad = [
        (variable, value)
        for variable, value in pairs
        if isinstance(variable, core.Var) and variable not in fixed and _is_bad(value)
    ]
    nan = [variable for variable, value in bad if _has_nan(value)]
    if nan and any(map(_has_nan, results)):
        return tuple(nan)
    return tuple(variable for variable, _ in bad)


def _described(event: _Event, asked: Sequence[bool], stack: str) -> Origin:
    """The operation, or what of the call or loop that it is first was not finite."""
    equation = event.equation
    stack = f"{stack}/{equation.source_info.name_stack}"
    for program, arguments, outputs in _steps(equation, event.operands, asked):
        found = _find(program, arguments, outputs, stack)
        if found and found.operation:
            return found if found.line else replace(found, line=_line(equation))
    names = re.split(r"[/()]+", stack)
    scopes = dict.fromkeys(name for name in names if name not in _TRANSFORMS)
    # A call whose own operands are constants goes by the name of what is called, `where`.
    called = str(equation.params.get("name") or equation.primitive.name)
    return Origin(
        called.strip("_"),
        scopes=tuple(scopes),
        backward="transpose(" in stack,
        line=_line(equation),
        operands=tuple(map(Numbers.of, filter(_is_numbers, event.operands))),
        result=tuple(map(Numbers.of, filter(_is_numbers, event.results))),
    )


_Step = tuple[core.ClosedJaxpr, Sequence[Any], Sequence[bool]]


def _steps(
    equation: core.JaxprEqn, operands: Sequence[Any], asked: Sequence[bool]
) -> Iterator[_Step]:
    """The programs inside an operation that are not finite, each with its arguments and which of its
    outputs are asked for, in the order in which they run; none of what cannot be looked into."""
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        yield from _iterations(params, operands, asked)
    elif name == "cond":
        yield params["branches"][int(operands[0])], operands[1:], asked
    elif name != "while" and (program := inner_program(equation)):
        yield program, operands, asked


def _iterations(
    params: dict[str, Any], operands: Sequence[Any], asked: Sequence[bool]
) -> Iterator[_Step]:
    constants, carried = params["num_consts"], params["num_carry"]
    body, length = params["jaxpr"], params["length"]
    step = jax.jit(core.jaxpr_as_fun(body))
    fixed, carry = operands[:constants], operands[constants : constants + carried]
    rows = operands[constants + carried :]
    # What is carried matters to the iterations to come.
    every = [*([True] * carried), *asked[carried:]]
    for index in range(length):
        row = length - 1 - index if params["reverse"] else index
        arguments = [*fixed, *carry, *(leaf[row] for leaf in rows)]
        found = step(*arguments)
        if any(map(_is_bad, found)):
            yield body, arguments, asked if index == length - 1 else every
        carry = found[:carried]


def _line(equation: core.JaxprEqn) -> str:
    """`file:line, function`, the innermost that is genlab's or the user's; empty where none is."""
    traceback = equation.source_info.traceback
    for frame in traceback.frames if traceback else ():
        file = Path(frame.file_name)
        if file.parent != _STANDARD and not any(map(file.is_relative_to, _THEIRS)):
            return f"{file.name}:{frame.line_num}, {frame.function_name}"
    return ""


def _variables(atoms: Sequence[Any]) -> Iterator[core.Var]:
    return (atom for atom in atoms if not isinstance(atom, core.Literal))


def _value(atom: Any, values: dict[core.Var, Any]) -> Any:
    return atom.val if isinstance(atom, core.Literal) else values[atom]


def _is_numbers(value: Any) -> bool:
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jnp.inexact)


def _is_bad(value: Any) -> bool:
    return _is_numbers(value) and not bool(jnp.all(jnp.isfinite(value)))


def _has_nan(value: Any) -> bool:
    return bool(jnp.any(jnp.isnan(value)))
