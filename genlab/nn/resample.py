"""Images twice and half as large."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest

Array = jax.Array


def nearest(x: Array) -> Array:
    """Every pixel of `x: [B, H, W, C]` four times: [B, 2H, 2W, C]."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def bilinear(x: Array) -> Array:
    """`x: [B, H, W, C]` twice as large: of the four nearest pixels 9, 3, 3 and 1 sixteenth.

    Edges are repeated.
    """
    for axis in (1, 2):
        size, pads = x.shape[axis], [(0, 0)] * 4
        pads[axis] = (1, 1)
        padded = jnp.pad(x, pads, mode="edge")
        near = [jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in (0, 2)]
        pairs = jnp.stack([0.75 * x + 0.25 * other for other in near], axis + 1)
        x = pairs.reshape(*x.shape[:axis], 2 * size, *x.shape[axis + 1 :])
    return x


def blurred(x: Array, before: int, after: int) -> Array:
    """`x: [B, H, W, C]` padded with zeros and smoothed by (1, 3, 3, 1) / 8 in both directions.

    Args:
      x: the images.
      before: zeros before the first row and column.
      after: zeros after the last; H + before + after - 3 rows are left.
    """
    for axis in (1, 2):
        pads = [(0, 0)] * 4
        pads[axis] = (before, after)
        padded = jnp.pad(x, pads)
        size = padded.shape[axis] - 3
        x = sum(
            weight / 8 * jax.lax.slice_in_dim(padded, i, i + size, axis=axis)
            for i, weight in enumerate((1, 3, 3, 1))
        )
    return x


def halved(x: Array) -> Array:
    """The means of 2x2 pixels of `x: [B, H, W, C]`, of even sides: [B, H/2, W/2, C]."""
    batch, height, width, channels = x.shape
    squares = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return squares.mean(axis=(2, 4))


DOUBLINGS: dict[str, Callable[[Array], Array]] = {
    "resize": nearest,
    "bilinear": bilinear,
}
UPSAMPLINGS = ("transposed", *DOUBLINGS)


def check_upsampling(name: str) -> None:
    """Raises InputError unless there is an upsampling of this name."""
    if name not in UPSAMPLINGS:
        raise InputError(f"upsampling {name!r} is unknown{suggest(name, UPSAMPLINGS)}")
