"""Sums of many numbers, by adding parts of an array to each other.

With the flag that `genlab.process.xla` sets for jaxlib 0.10.2, XLA's own reduction of a large array takes many
times as long on a CPU as adding sixteen parts of it in one pass. GPUs and TPUs reduce as XLA does.
"""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Array = jax.Array
PyTree = Any

PARTS = 16  # that rows are folded into
FEW = 2**14  # numbers that XLA sums fast enough


def norm(tree: PyTree) -> Array:
    """sqrt(sum of squares) of all numbers of a tree, []."""
    leaves = [leaf.reshape(-1) for leaf in jax.tree.leaves(tree)]
    # One sum of all biases and scales: each by itself would cost little but a start.
    small = [leaf for leaf in leaves if leaf.size < FEW]
    large = [leaf for leaf in leaves if leaf.size >= FEW]
    whole = [*large, jnp.concatenate(small)] if small else large
    return jnp.sqrt(sum(map(sum_of_squares, whole)))


def sum_of_squares(x: Array) -> Array:
    """Of all numbers of an array of any shape, []."""
    return sums_of_squares(x.reshape(1, -1, 1))[0, 0]


def sums(x: Array) -> Array:
    """Over all axes of `x: [B, ..., C]` but the first and the last: [B, C]."""
    return _sum.bind(_rows(x), squared=False)


@jax.custom_jvp
def sums_of_squares(x: Array) -> Array:
    """As `sums`, of the squares, which are taken as they are summed: [B, C]."""
    return _sum.bind(_rows(x), squared=True)


@sums_of_squares.defjvp
def _jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (tangent,) = primals, tangents
    return sums_of_squares(x), 2 * sums(x * tangent)


def spread(values: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `sums`: `values: [B, C]` at each place of `shape`, (B, ..., C)."""
    count = math.prod(shape[1:-1])
    return _spread.bind(values, count=count).reshape(shape)


def _rows(x: Array) -> Array:
    """`[B, ..., C]` as `[B, N, C]`."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])


def _reduced(x: Array, *, squared: bool) -> Array:
    """As XLA sums: [B, C] of `x: [B, N, C]`."""
    return jnp.sum(jnp.square(x) if squared else x, axis=1)


def _folded(x: Array, *, squared: bool) -> Array:
    """The same, in passes that add up to PARTS parts of the rows to each other."""
    if x.size < FEW:
        return _reduced(x, squared=squared)
    parts = min(PARTS, x.shape[1])
    length = x.shape[1] // parts
    each = [x[:, i * length : (i + 1) * length] for i in range(parts)]
    each = map(jnp.square, each) if squared else each
    total = functools.reduce(operator.add, each)
    total = total[:, 0] if length == 1 else _folded(total, squared=False)
    rest = x[:, parts * length :]
    return total + _reduced(rest, squared=squared) if rest.size else total


def _repeated(values: Array, *, count: int) -> Array:
    """[B, count, C] of `values: [B, C]`."""
    shape = (values.shape[0], count, values.shape[1])
    return jnp.broadcast_to(values[:, None], shape)


def _primitive(name: str, form: Callable, on_cpu: Callable) -> Primitive:
    """A primitive of one operand, whose first axis is mapped as it is."""
    primitive = Primitive(name)

    @functools.partial(jax.jit, static_argnames=("squared", "count"))
    def compiled(x: Array, **how):
        return primitive.bind(x, **how)

    def shape(x, **how):
        out = jax.eval_shape(functools.partial(form, **how), x)
        return x.update(shape=out.shape, dtype=out.dtype, weak_type=False)

    def batch(operands, axes, **how):
        x = jnp.moveaxis(operands[0], axes[0], 0)
        members, rows = x.shape[:2]
        out = primitive.bind(x.reshape(members * rows, *x.shape[2:]), **how)
        return out.reshape(members, rows, *out.shape[1:]), 0

    primitive.def_impl(compiled)
    primitive.def_abstract_eval(shape)
    batching.primitive_batchers[primitive] = batch
    for each, platform in ((form, None), (on_cpu, "cpu")):
        lowered = mlir.lower_fun(each, multiple_results=False)
        mlir.register_lowering(primitive, lowered, platform=platform)
    return primitive


_sum = _primitive("genlab_sum", _reduced, _folded)
_spread = _primitive("genlab_spread", _repeated, _repeated)

# Each is the transpose of the other; a sum of squares has its own derivative above.
ad.deflinear2(_sum, lambda out, x, squared: [_spread.bind(out, count=x.aval.shape[1])])
ad.deflinear2(_spread, lambda out, values, count: [_sum.bind(out, squared=False)])
