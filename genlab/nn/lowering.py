"""Convolution as a bilinear primitive whose lowering is chosen for the platform at compile time.

CPUs get matrix products: of patches (`genlab.nn.products`, and `genlab.nn.planes` where channels are few), or
fewer of them by minimal filtering (`genlab.nn.filtering`) where that wins. GPUs and TPUs get XLA's own convolution, for the members of a
population one after another: mapped over kernels it would be a grouped convolution, which GPUs run
slowly. The map and its two derivatives are three primitives, each the transpose of the others, so that
forward and reverse mode work to any order and no derivative is found by transposing slices, which XLA
runs slowly. What reverse mode keeps are the operands alone: patches are gathered and data transformed
again.
"""

import functools
from collections.abc import Callable
from types import ModuleType

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from genlab.nn import filtering, planes, products
from genlab.nn.products import Geometry

Array = jax.Array

UNROLLED = 8  # members whose convolutions are written out, of a population on a GPU


def convolve(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """Convolution (cross-correlation) of images with a kernel.

    Args:
      image: [B, H, W, C].
      kernel: [h, w, C, F], of the same dtype.
      geometry: the sizes; `geometry.image` is (H, W).

    Returns:
      [B, H', W', F] with (H', W') = `geometry.output`, accumulated in float32.
    """
    return _bind(_convolve, image, kernel, geometry)


def convolve_adjoint(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The transpose of `convolve` in its image, itself a transposed convolution.

    Args:
      result: [B, H', W', F].
      kernel: [h, w, C, F], of the same dtype.
      geometry: the sizes of the convolution that is transposed.

    Returns:
      [B, H, W, C] with (H, W) = `geometry.image`.
    """
    return _bind(_adjoint, result, kernel, geometry)


def _bind(primitive: Primitive, left: Array, right: Array, geometry: Geometry) -> Array:
    # As where it is traced: a program is lowered later, outside `jax.default_matmul_precision`.
    precision = jax.config.jax_default_matmul_precision
    return primitive.bind(left, right, geometry=geometry, maps=0, precision=precision)


def _native(
    image: Array, kernel: Array, *, geometry: Geometry, precision: str | None = None
) -> Array:
    return lax.conv_general_dilated(
        image,
        kernel,
        geometry.strides,
        geometry.padding,
        rhs_dilation=geometry.dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )


def _native_adjoint(
    result: Array, kernel: Array, *, geometry: Geometry, **how
) -> Array:
    image = jax.ShapeDtypeStruct(
        (result.shape[0], *geometry.image, kernel.shape[2]), result.dtype
    )
    forward = functools.partial(_native, kernel=kernel, geometry=geometry, **how)
    return jax.linear_transpose(forward, image)(result)[0]


def _native_kernel(image: Array, result: Array, *, geometry: Geometry, **how) -> Array:
    kernel = jax.ShapeDtypeStruct(
        (*geometry.kernel, image.shape[-1], result.shape[-1]), image.dtype
    )
    forward = functools.partial(_native, image, geometry=geometry, **how)
    return jax.linear_transpose(forward, kernel)(result)[0]


def one_by_one(form: Callable) -> Callable:
    """Maps `form` over the first axis of all operands as `jax.vmap` does, in a loop."""

    def members(*operands: Array) -> Array:
        step = lambda _, each: (None, form(*each))
        return lax.scan(step, None, operands, unroll=min(UNROLLED, len(operands[0])))[1]

    return members


def _convolve_on_cpu(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    room = _room(image, geometry, *kernel.shape[2:])
    return room.convolve(image, kernel, geometry=geometry)


def _adjoint_on_cpu(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    room = _room(result, geometry, *kernel.shape[2:])
    return room.convolve_adjoint(result, kernel, geometry=geometry)


def _kernel_on_cpu(image: Array, result: Array, *, geometry: Geometry) -> Array:
    room = _room(image, geometry, image.shape[-1], result.shape[-1])
    return room.convolve_kernel(image, result, geometry=geometry)


def _room(batch: Array, geometry: Geometry, channels: int, features: int) -> ModuleType:
    """Where the form is that a CPU runs fastest; a bfloat16 would be rounded by transforms."""
    exact = batch.dtype == jnp.float32
    if exact and filtering.wins(geometry, len(batch), channels, features):
        return filtering
    return planes if planes.wins(geometry, channels, features) else products


def _primitive(
    name: str, native: Callable, product: Callable, *, shares_kernel: bool
) -> Primitive:
    """A primitive of two operands, mapped over `maps` outer axes that both have.

    `shares_kernel` where the second operand is a kernel that all examples share.
    """
    primitive = Primitive(f"genlab_{name}")

    def mapped(
        form: Callable, *operands: Array, maps: int, over: Callable = jax.vmap, **how
    ):
        form = functools.partial(form, **how)
        for _ in range(maps):
            form = over(form)
        return form(*operands)

    @functools.partial(jax.jit, static_argnames=("geometry", "maps", "precision"))
    def compiled(left: Array, right: Array, **how):
        return primitive.bind(left, right, **how)

    def shape(left, right, **how):
        form = functools.partial(mapped, native, **how)
        out = jax.eval_shape(form, left, right)
        return left.update(shape=out.shape, dtype=out.dtype, weak_type=False)

    def batch(operands, axes, *, maps: int, **how):
        left, right = operands
        if shares_kernel and axes[1] is None:
            # Members that share a kernel are more examples.
            left = jnp.moveaxis(left, axes[0], maps)
            outer, (size, count) = left.shape[:maps], left.shape[maps : maps + 2]
            left = left.reshape(*outer, size * count, *left.shape[maps + 2 :])
            out = primitive.bind(left, right, maps=maps, **how)
            return out.reshape(*outer, size, count, *out.shape[maps + 1 :]), maps
        size = left.shape[axes[0]] if axes[1] is None else right.shape[axes[1]]
        left, right = (
            jnp.broadcast_to(operand[None], (size, *operand.shape))
            if axis is None
            else jnp.moveaxis(operand, axis, 0)
            for operand, axis in zip(operands, axes)
        )
        return primitive.bind(left, right, maps=maps + 1, **how), 0

    primitive.def_impl(compiled)
    primitive.def_abstract_eval(shape)
    batching.primitive_batchers[primitive] = batch

    def on_cpu(*operands: Array, geometry: Geometry, precision: str | None):
        del precision  # products of float32 are of float32 there
        return product(*operands, geometry=geometry)

    for form, over, platform in (
        (native, one_by_one, None),
        (on_cpu, jax.vmap, "cpu"),
    ):
        lowered = mlir.lower_fun(
            functools.partial(mapped, form, over=over), multiple_results=False
        )
        mlir.register_lowering(primitive, lowered, platform=platform)
    return primitive


_convolve = _primitive("convolve", _native, _convolve_on_cpu, shares_kernel=True)
_adjoint = _primitive(
    "convolve_adjoint", _native_adjoint, _adjoint_on_cpu, shares_kernel=True
)
_kernel = _primitive(
    "convolve_kernel", _native_kernel, _kernel_on_cpu, shares_kernel=False
)

# One trilinear form <convolve(image, kernel), result>; each primitive is its derivative in one
# argument, so transposing a primitive in an operand gives the primitive of that operand.
ad.defbilinear(
    _convolve,
    lambda result, image, kernel, **sizes: _adjoint.bind(result, kernel, **sizes),
    lambda result, image, kernel, **sizes: _kernel.bind(image, result, **sizes),
)
ad.defbilinear(
    _adjoint,
    lambda image, result, kernel, **sizes: _convolve.bind(image, kernel, **sizes),
    lambda image, result, kernel, **sizes: _kernel.bind(image, result, **sizes),
)
ad.defbilinear(
    _kernel,
    lambda kernel, image, result, **sizes: _adjoint.bind(result, kernel, **sizes),
    lambda kernel, image, result, **sizes: _convolve.bind(image, kernel, **sizes),
)
