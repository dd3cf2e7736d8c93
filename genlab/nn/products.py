"""A convolution and its two derivatives as matrix products, the form that CPUs run fast.

A convolution gathers patches and multiplies them by the kernel. Its derivative in the image is the
adjoint: multiply first, then add up where patches overlap. Its derivative in the kernel multiplies
patches by the cotangent. All three touch each number a constant count of times, and unlike a
native convolution a matrix product is not slower inside `lax.scan` on the CPU backend.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The sizes of a convolution, each as (height, width).

    `padding` holds (low, high) zeros per axis and may be negative, which crops.
    """

    image: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the result."""
        height, width = (
            (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1
            for size, pads, kernel, stride, dilation in zip(
                self.image, self.padding, self.kernel, self.strides, self.dilation
            )
        )
        return height, width

    @property
    def blocks(self) -> tuple[int, int]:
        """How many blocks of one stride the padded image is cut into."""
        height, width = (
            max(size + (dilation * (kernel - 1)) // stride, 1)
            for size, kernel, stride, dilation in zip(
                self.output, self.kernel, self.strides, self.dilation
            )
        )
        return height, width

    @property
    def spans(self) -> int:
        """Blocks that one patch touches along the width."""
        return (self.dilation[1] * (self.kernel[1] - 1)) // self.strides[1] + 1

    @property
    def covers(self) -> bool:
        """True where one patch is the whole image, so that no pixel is in two."""
        return self.output == (1, 1) and self.dilation == (1, 1)

    @property
    def turned(self) -> "Geometry":
        """Of the adjoint, where the stride is 1: a convolution of the result with the kernel turned."""
        edges = (
            dilation * (kernel - 1)
            for kernel, dilation in zip(self.kernel, self.dilation)
        )
        rows, columns = (
            (edge - low, edge - high) for edge, (low, high) in zip(edges, self.padding)
        )
        return dataclasses.replace(self, image=self.output, padding=(rows, columns))

    def taps(self, axis: int) -> Iterator[tuple[int, int]]:
        """Per tap of the kernel along `axis`: the block and the phase in it that it reads."""
        for tap in range(self.kernel[axis]):
            yield divmod(tap * self.dilation[axis], self.strides[axis])


def convolve(image: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The convolution: `[B, H, W, C]` and `[h, w, C, F]` to `[B, H', W', F]`."""
    features = kernel.shape[-1]
    if not _overlaps_columns(geometry, *kernel.shape[2:]):
        columns = _patches(image, geometry)
        return product(columns, kernel.reshape(-1, features), ((3,), (0,)))
    bands = _bands(image, geometry)
    partial = product(bands, _banded(kernel, geometry), ((3,), (0,)))
    width = geometry.output[1]
    return sum(
        partial[:, :, j : j + width, j * features : (j + 1) * features]
        for j in range(geometry.spans)
    )


def convolve_adjoint(result: Array, kernel: Array, *, geometry: Geometry) -> Array:
    """The derivative in the image: `[B, H', W', F]` and `[h, w, C, F]` to `[B, H, W, C]`."""
    columns = product(result, kernel.reshape(-1, kernel.shape[-1]), ((3,), (1,)))
    return _overlap_add(columns, geometry)


def convolve_kernel(image: Array, result: Array, *, geometry: Geometry) -> Array:
    """The derivative in the kernel: `[B, H, W, C]` and `[B, H', W', F]` to `[h, w, C, F]`."""
    channels, features = image.shape[-1], result.shape[-1]
    if not _overlaps_columns(geometry, channels, features):
        columns = _patches(image, geometry)
        gradient = product(columns, result, ((0, 1, 2), (0, 1, 2)))
        return gradient.reshape(*geometry.kernel, channels, features)
    bands, spans = _bands(image, geometry), geometry.spans
    gradients = []
    for j in range(spans):
        shifted = jnp.pad(result, ((0, 0), (0, 0), (j, spans - 1 - j), (0, 0)))
        gradients.append(product(shifted, bands, ((0, 1, 2), (0, 1, 2))))
    return _unbanded(jnp.stack(gradients), geometry, channels)


def _overlaps_columns(geometry: Geometry, channels: int, features: int) -> bool:
    """Whether to gather the rows of patches only and add up over their columns.

    That moves less memory where there are many channels, and costs products at the border and
    with the zeros that fill a kernel up to whole blocks. The bounds are measured.
    """
    (height, width), stride = geometry.kernel, geometry.strides[1]
    filled = geometry.spans * stride
    waste = geometry.blocks[1] * filled / (geometry.output[1] * width)
    gathered = 3 * height * (width - stride) * channels
    return (
        geometry.dilation[1] == 1
        and waste <= 1.15
        and gathered > 2 * geometry.spans * features
    )


def _bands(image: Array, geometry: Geometry) -> Array:
    """Rows of patches: `[B, H, W, C]` to `[B, H', blocks, h * stride * C]`."""
    blocks = to_blocks(image, geometry)
    blocks = blocks.reshape(*blocks.shape[:4], -1)
    out_height = geometry.output[0]
    return jnp.concatenate(
        [blocks[:, i : i + out_height, row] for i, row in geometry.taps(0)], axis=-1
    )


def _banded(kernel: Array, geometry: Geometry) -> Array:
    """The kernel for `_bands`: `[h, w, C, F]` to `[h * stride * C, spans * F]`."""
    height, width, channels, features = kernel.shape
    spans, stride = geometry.spans, geometry.strides[1]
    fill = spans * stride - width
    filled = jnp.pad(kernel, ((0, 0), (0, fill), (0, 0), (0, 0)))
    banded = filled.reshape(height, spans, stride * channels, features)
    return banded.swapaxes(1, 2).reshape(-1, spans * features)


def _unbanded(gradients: Array, geometry: Geometry, channels: int) -> Array:
    """The adjoint of `_banded`, from `[spans, F, h * stride * C]`."""
    (height, width), stride = geometry.kernel, geometry.strides[1]
    spans, features, _ = gradients.shape
    taps = gradients.reshape(spans, features, height, stride, channels)
    taps = taps.transpose(2, 0, 3, 4, 1)
    return taps.reshape(height, spans * stride, channels, features)[:, :width]


def product(left: Array, right: Array, contracted: tuple) -> Array:
    """The product over the axes `contracted` of both, accumulated in float32."""
    out = lax.dot_general(
        left, right, (contracted, ((), ())), preferred_element_type=jnp.float32
    )
    return out.astype(left.dtype)


def _patches(image: Array, geometry: Geometry) -> Array:
    """`[B, H, W, C]` to `[B, H', W', h * w * C]`."""
    if geometry.covers:
        height, width = geometry.kernel
        patch = _padded_to_blocks(image, geometry)[:, :height, :width]
        return patch.reshape(len(image), 1, 1, -1)
    # Blocks of one stride make every tap a plain slice, contiguous in its last axis.
    blocks = to_blocks(image, geometry)
    out_height, out_width = geometry.output
    pieces = [
        blocks[:, i : i + out_height, row, j : j + out_width, column]
        for i, row in geometry.taps(0)
        for j, column in geometry.taps(1)
    ]
    return jnp.concatenate(pieces, axis=-1)


def _overlap_add(columns: Array, geometry: Geometry) -> Array:
    """The adjoint of `_patches`: `[B, H', W', h * w * C]` to `[B, H, W, C]`."""
    batch, out_height, out_width, _ = columns.shape
    if geometry.covers:
        return _cropped(columns.reshape(batch, *geometry.kernel, -1), geometry)
    taps = columns.reshape(batch, out_height, out_width, *geometry.kernel, -1)
    kernel_height, kernel_width = geometry.kernel
    grid = [
        [taps[:, :, :, i, j] for j in range(kernel_width)] for i in range(kernel_height)
    ]
    phases = added_up(grid, geometry, axis=1)
    blocks = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)
    return from_blocks(blocks, geometry)


def added_up(
    taps: Sequence[Sequence[Array]], geometry: Geometry, axis: int
) -> list[list[Array]]:
    """For each phase of a block the sum of the taps that read it, where they lie; `axis` is that of the height."""
    (height, width), (out_height, out_width) = geometry.blocks, geometry.output
    shape, dtype = list(taps[0][0].shape), taps[0][0].dtype
    shape[axis : axis + 2] = height, width
    rows, columns = geometry.strides
    sums = [[jnp.zeros(shape, dtype)] * columns for _ in range(rows)]
    for line, (i, row) in zip(taps, geometry.taps(0)):
        for tap, (j, column) in zip(line, geometry.taps(1)):
            pads = [(0, 0, 0)] * len(shape)
            pads[axis] = (i, height - out_height - i, 0)
            pads[axis + 1] = (j, width - out_width - j, 0)
            sums[row][column] += lax.pad(tap, jnp.zeros((), dtype), pads)
    return sums


def turned(kernel: Array) -> Array:
    """The kernel turned by half a turn, of the adjoint: `[h, w, C, F]` to `[h, w, F, C]`."""
    return kernel[::-1, ::-1].swapaxes(2, 3)


def to_blocks(image: Array, geometry: Geometry) -> Array:
    """The padded image in blocks of one stride, `[B, blocks, rows, blocks, columns, C]`."""
    (height, width), (rows, columns) = geometry.blocks, geometry.strides
    whole = _padded_to_blocks(image, geometry)
    return whole.reshape(len(image), height, rows, width, columns, -1)


def from_blocks(blocks: Array, geometry: Geometry) -> Array:
    """The image in `[B, blocks, rows, blocks, columns, C]`, without its padding."""
    batch, height, rows, width, columns, channels = blocks.shape
    whole = blocks.reshape(batch, height * rows, width * columns, channels)
    return _cropped(whole, geometry)


def _padded_to_blocks(image: Array, geometry: Geometry) -> Array:
    sizes = [a * b for a, b in zip(geometry.blocks, geometry.strides)]
    pads = [
        (low, whole - size - low)
        for (low, _), size, whole in zip(geometry.padding, geometry.image, sizes)
    ]
    return padded(image, pads)


def _cropped(full: Array, geometry: Geometry) -> Array:
    pads = [
        (-low, size + low - whole)
        for (low, _), size, whole in zip(
            geometry.padding, geometry.image, full.shape[1:3]
        )
    ]
    return padded(full, pads)


def padded(images: Array, pads: Sequence[tuple[int, int]]) -> Array:
    """`[B, H, W, C]` with (low, high) zeros per axis of space; negative ones crop.

    By concatenation of flat rows, which a CPU copies as a whole; a padding it makes number by number.
    """
    (top, bottom), (left, right) = pads
    _, height, width, _ = images.shape
    images = images[
        :,
        max(-top, 0) : height - max(-bottom, 0),
        max(-left, 0) : width - max(-right, 0),
    ]
    batch, height, width, channels = images.shape
    rows = images.reshape(batch, height, width * channels)
    rows = _between_zeros(rows, left * channels, right * channels)
    wide = rows.shape[-1]
    flat = rows.reshape(batch, height * wide)
    flat = _between_zeros(flat, top * wide, bottom * wide)
    return flat.reshape(batch, -1, wide // channels, channels)


def _between_zeros(x: Array, before: int, after: int) -> Array:
    parts = [x]
    if before > 0:
        parts.insert(0, jnp.zeros((*x.shape[:-1], before), x.dtype))
    if after > 0:
        parts.append(jnp.zeros((*x.shape[:-1], after), x.dtype))
    return jnp.concatenate(parts, axis=-1)
