"""Convolution layers with the parameters of flax.linen's and lowerings that are fast on CPUs too."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from genlab.errors import InputError
from genlab.nn import lowering, products
from genlab.nn.products import Geometry

Array = jax.Array
Pads = tuple[tuple[int, int], tuple[int, int]]


class Conv(nn.Module):
    """Convolution of images; parameters and results equal `flax.linen.Conv`'s.

    Attributes:
      features: channels of the result.
      kernel_size: one integer, or (height, width).
      strides: one integer, or (height, width).
      padding: "SAME" (result of size ceil(H / stride)), "VALID" (none), an integer, one
        integer or (low, high) pair per axis, "REFLECT" (sizes as "SAME", pixels mirrored
        without the edge), or ("REFLECT", integer or pairs).
      kernel_dilation: steps between the taps of the kernel; one integer, or (height, width).
      use_bias: whether a bias is added.
      dtype: type of the computation and the result; None means float32. Parameters are
        float32 and products are summed in float32.
      kernel_init: initializer of `kernel: [h, w, C, features]`.
      bias_init: initializer of `bias: [features]`.
    """

    features: int
    kernel_size: int | Sequence[int]
    strides: int | Sequence[int] = 1
    padding: Any = "SAME"
    kernel_dilation: int | Sequence[int] = 1
    use_bias: bool = True
    dtype: Any = None
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Convolves `x: [B, H, W, C]` to `[B, H', W', features]`.

        Raises:
          InputError: `x` is not a batch of images, or the kernel does not fit into it.
        """
        _check_images(x)
        size, strides = _pair(self.kernel_size), _pair(self.strides)
        dilation = _pair(self.kernel_dilation)
        dtype = self.dtype or jnp.float32
        kernel = self.param(
            "kernel", self.kernel_init, (*size, x.shape[-1], self.features)
        )
        reach = tuple(d * (k - 1) + 1 for k, d in zip(size, dilation))
        mode, pads = _padding(self.padding, x.shape[1:3], reach, strides)
        x = x.astype(dtype)
        if mode == "reflect":
            x, pads = _reflect(x, pads), ((0, 0), (0, 0))
        geometry = Geometry(x.shape[1:3], size, strides, pads, dilation)
        if min(geometry.output) < 1:
            raise InputError(
                f"a kernel of size {size} does not fit into images {x.shape[1:3]}"
                f" with padding {self.padding!r}; it needs at least {reach}"
            )
        y = lowering.convolve(x, kernel.astype(dtype), geometry=geometry)
        return _add_bias(self, y) if self.use_bias else y


class ConvTranspose(nn.Module):
    """Transposed convolution; parameters and results equal `flax.linen.ConvTranspose`'s.

    Padding has flax's meaning: it pads the input after `strides - 1` zeros were put between its
    pixels. "SAME" gives H * stride, "VALID" (H - 1) * stride + max(kernel, stride), and integers
    or (low, high) pairs (H - 1) * stride + low + high - kernel + 2. A padding p in PyTorch's
    sense is kernel - 1 - p here. So kernel 4, stride 2, "SAME" is `ConvTranspose2d(C, F, 4, 2, 1)`,
    whose weight is this kernel flipped in both directions of space, as `[C, F, h, w]`.

    Attributes:
      features: channels of the result.
      kernel_size: one integer, or (height, width).
      strides: one integer, or (height, width).
      padding: "SAME", "VALID", an integer, or one integer or (low, high) pair per axis.
      use_bias: whether a bias is added.
      dtype: type of the computation and the result; None means float32.
      kernel_init: initializer of `kernel: [h, w, C, features]`.
      bias_init: initializer of `bias: [features]`.
    """

    features: int
    kernel_size: int | Sequence[int]
    strides: int | Sequence[int] = 1
    padding: Any = "SAME"
    use_bias: bool = True
    dtype: Any = None
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Enlarges `x: [B, H, W, C]` to `[B, H', W', features]`.

        Raises:
          InputError: `x` is not a batch of images, or the result would be empty.
        """
        _check_images(x)
        size, strides = _pair(self.kernel_size), _pair(self.strides)
        dtype = self.dtype or jnp.float32
        kernel = self.param(
            "kernel", self.kernel_init, (*size, x.shape[-1], self.features)
        )
        pads = _transposed_padding(self.padding, size, strides)
        image = tuple(
            (n - 1) * s + sum(p) - k + 2
            for n, s, p, k in zip(x.shape[1:3], strides, pads, size)
        )
        if min(image) < 1:
            raise InputError(
                f"padding {self.padding!r} leaves images of size {image} from"
                f" {x.shape[1:3]}; more padding gives larger ones"
            )
        # The convolution whose adjoint this is reads the turned kernel.
        crop = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(size, pads))
        geometry = Geometry(image, size, strides, crop, (1, 1))
        turned = products.turned(kernel.astype(dtype))
        y = lowering.convolve_adjoint(x.astype(dtype), turned, geometry=geometry)
        return _add_bias(self, y) if self.use_bias else y


def _add_bias(layer: nn.Module, y: Array) -> Array:
    bias = layer.param("bias", layer.bias_init, (layer.features,))
    return y + bias.astype(y.dtype)[None, None, None]


def _check_images(x: Array) -> None:
    if x.ndim != 4:
        raise InputError(
            f"a convolution got an array of shape {x.shape}; it takes [B, H, W, C]"
        )


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise InputError(
            f"{value!r} is no size of a convolution; it takes a positive integer or two"
        )
    return pair


def _pads(padding: Any) -> Pads:
    pair = (padding, padding) if isinstance(padding, int) else padding
    if not isinstance(pair, str) and len(pair) == 2:
        pads = tuple((p, p) if isinstance(p, int) else tuple(p) for p in pair)
        if all(len(p) == 2 and all(isinstance(n, int) for n in p) for p in pads):
            return pads
    raise InputError(
        f"unknown padding {padding!r}; one of 'SAME', 'VALID', an integer,"
        " a pair of integers or of (low, high), and for Conv 'REFLECT'"
    )


def _padding(
    padding: Any, image: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[str, Pads]:
    """The mode, zeros or reflect, and the pads of a convolution."""
    mode = "zeros"
    if padding == "REFLECT":
        mode, padding = "reflect", "SAME"
    elif not isinstance(padding, str | int) and padding[0] == "REFLECT":
        mode, padding = "reflect", padding[1]
    if padding in ("SAME", "VALID"):
        pads = lax.padtype_to_pads(image, reach, strides, padding)
        return mode, tuple((int(low), int(high)) for low, high in pads)
    return mode, _pads(padding)


def _transposed_padding(padding: Any, size: Sequence[int], strides: Sequence[int]):
    """Pads of the dilated input, in the convention of `lax.conv_transpose`."""
    if padding not in ("SAME", "VALID"):
        return _pads(padding)
    pads = []
    for kernel, stride in zip(size, strides):
        if padding == "SAME":
            total = kernel + stride - 2
            low = kernel - 1 if stride > kernel - 1 else -(-total // 2)
        else:
            total, low = kernel + stride - 2 + max(kernel - stride, 0), kernel - 1
        pads.append((low, total - low))
    return tuple(pads)


def _reflect(x: Array, pads: Pads) -> Array:
    if any(max(p) >= n for p, n in zip(pads, x.shape[1:3])):
        raise InputError(
            f"padding {pads} cannot be mirrored from images {x.shape[1:3]};"
            " it must be smaller than they are"
        )
    return jnp.pad(x, ((0, 0), *pads, (0, 0)), mode="reflect")
