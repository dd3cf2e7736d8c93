"""Images turned by one of a few angles, the quarters exactly."""

import jax
import jax.numpy as jnp

from genlab.data.diff_augment import quarters, resampled
from genlab.errors import InputError

Array = jax.Array

ROTATIONS = (2, 4, 8)


def check_rotations(rotations: int, shape: tuple[int, ...]) -> None:
    """Raises InputError unless examples of a shape [H, W, C] can be turned by 360 / `rotations` degrees."""
    if rotations not in ROTATIONS:
        raise InputError(
            f"rotations={rotations} is none of {', '.join(map(str, ROTATIONS))}"
        )
    if len(shape) != 3 or shape[0] != shape[1]:
        raise InputError(
            f"rotations are of square images [H, H, C]; examples here have shape {tuple(shape)}"
        )


def rotated(x: Array, turn: Array, *, rotations: int = 4) -> Array:
    """Each image turned anticlockwise by its own multiple of 360 / `rotations` degrees.

    Two and four rotations move pixels and change none. Of eight, those between the quarters are turned on by 45
    degrees, bilinearly, which blurs them a little, and all are cut to the circle inside the image, whose corners would
    tell them apart.

    Args:
      x: [B, H, H, C].
      turn: [B] int in [0, rotations).
      rotations: 2, 4 or 8.

    Returns:
      [B, H, H, C].

    Raises:
      InputError: another number of rotations, or examples that are no square images.

    Paper: Gidaris, Singh & Komodakis 2018, arXiv:1803.07728
    """
    check_rotations(rotations, x.shape[1:])
    if rotations < 8:
        return quarters(x, turn * (4 // rotations))
    found = quarters(x, turn // 2)
    eighth = jnp.full(x.shape[0], jnp.sqrt(0.5))
    odd = (turn % 2 == 1)[:, None, None, None]
    found = jnp.where(odd, resampled(found, eighth, -eighth), found)
    return jnp.where(_circle(x.shape[1])[None, :, :, None], found, 0.0)


def _circle(size: int) -> Array:
    """The pixels whose centres lie in the circle inside an image: [H, H] bool."""
    place = jnp.square(jnp.arange(size) - (size - 1) / 2)
    return place[:, None] + place[None] <= (size / 2) ** 2
