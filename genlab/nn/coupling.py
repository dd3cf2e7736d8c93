"""What coupling layers of images share: an affine map, and pixels as channels."""

import jax
import jax.numpy as jnp

Array = jax.Array


def affine(x: Array, scale: Array, shift: Array, *, back: bool) -> tuple[Array, Array]:
    """x e^s + t with s = 2 tanh(scale / 2), which stays finite, or its inverse; and s."""
    log = 2 * jnp.tanh(scale / 2)
    if back:
        return (x - shift) * jnp.exp(-log), -log
    return x * jnp.exp(log) + shift, log


def squeezed(x: Array) -> Array:
    """2x2 pixels as channels: [B, H/2, W/2, 4 C] of `x: [B, H, W, C]`."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, height // 2, width // 2, 4 * channels
    )


def spread(x: Array) -> Array:
    """The inverse of `squeezed`."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height, width, 2, 2, channels // 4)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, 2 * height, 2 * width, channels // 4
    )
