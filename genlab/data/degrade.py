"""What takes something away from an image, so that an image and its rest are a pair.

To add one: write a function of `image: [H, W, C] in [0, 1]` and a key, and register it. It is
vmapped over the batch, on the device.
"""

import jax
import jax.numpy as jnp

from genlab.data import bicubic
from genlab.data.images import luma
from genlab.errors import InputError
from genlab.numbers import within
from genlab.part import giving
from genlab.registry import Registry

Array = jax.Array

# Like augmentations: parts of a data preparation, found by walking this room.
degradations = Registry(
    "degradation", "genlab.data", watch=giving("degradation", same=False)
)


@degradations.register
def downsample(image: Array, key: Array, *, factor: int = 2) -> Array:
    """Mean of every `factor` x `factor` pixels of `image: [H, W, C]`: `[H/factor, W/factor, C]`.

    Raises:
      InputError: a factor below 1, or one that does not divide H and W.
    """
    del key
    height, width, channels = image.shape
    if factor < 1 or height % factor or width % factor:
        raise InputError(
            f"downsample factor {factor} does not divide images of {height} x {width} pixels"
        )
    blocks = image.reshape(height // factor, factor, width // factor, factor, channels)
    return blocks.mean((1, 3))


@degradations.register
def bicubic_downsample(image: Array, key: Array, *, factor: int = 2) -> Array:
    """`image: [H, W, C]` made smaller as the literature of super-resolution does, by an antialiased
    bicubic, clipped to [0, 1]: `[H/factor, W/factor, C]`.

    Raises:
      InputError: a factor below 1, or one that does not divide H and W.
    """
    del key
    height, width, _ = image.shape
    if factor < 1 or height % factor or width % factor:
        raise InputError(
            f"bicubic_downsample factor {factor} does not divide images of {height} x {width}"
            " pixels"
        )
    return jnp.clip(bicubic.resize(image, height // factor, width // factor), 0.0, 1.0)


@degradations.register
def grayscale(image: Array, key: Array) -> Array:
    """Luminance (ITU-R 601) of `image: [H, W, 3]`: `[H, W, 1]`.

    Raises:
      InputError: the image has no colour to take away.
    """
    del key
    if image.shape[-1] != 3:
        raise InputError(
            f"grayscale takes the colour of images; those of shape {image.shape} have none"
        )
    return luma(image)


@degradations.register
def noise(image: Array, key: Array, *, std: float = 0.2) -> Array:
    """`image: [H, W, C]` with Gaussian noise of deviation `std`, clipped to [0, 1]."""
    within("degrade.std", std, 0.0)
    return jnp.clip(image + std * jax.random.normal(key, image.shape), 0.0, 1.0)


@degradations.register
def edges(image: Array, key: Array, *, threshold: float = 0.1) -> Array:
    """White lines, `[H, W, 1]`, where the Sobel slope of `image: [H, W, C]` is above `threshold`.

    The slope is per pixel: 1 across a straight step from black to white, and up to sqrt(5) / 2 at
    a corner of one.
    """
    del key
    within("degrade.threshold", threshold, 0.0, 1.0)
    gray = jnp.pad(luma(image)[..., 0], 1, mode="edge")
    rows = gray[:-2] + 2 * gray[1:-1] + gray[2:]
    columns = gray[:, :-2] + 2 * gray[:, 1:-1] + gray[:, 2:]
    slope = jnp.hypot(rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]) / 4
    return (slope > threshold).astype(image.dtype)[..., None]


@degradations.register
def box_holes(
    image: Array, key: Array, *, count: int = 1, least: float = 0.25, most: float = 0.5
) -> Array:
    """`image: [H, W, C]` with `count` rectangular holes, and the mask of them as a last channel.

    The sides of each hole are uniform in [`least`, `most`] of the image's, its place in the image
    too. Holes are mid-gray; the mask is 1 there and 0 elsewhere: `[H, W, C + 1]`.

    Raises:
      InputError: no hole, or sides outside [0, 1].

    Paper: Pathak et al. 2016, arXiv:1604.07379
    """
    within("degrade.count", count, 1)
    within("degrade.least", least, 0.0, most)
    within("degrade.most", most, 0.0, 1.0)
    side_key, place_key = jax.random.split(key)
    sides = jax.random.uniform(side_key, (count, 2), minval=least, maxval=most)
    corners = jax.random.uniform(place_key, (count, 2)) * (1 - sides)

    def covers(axis: int) -> Array:
        """[count, H or W], whether a pixel's centre lies in the hole's range."""
        size = image.shape[axis]
        ticks = ((jnp.arange(size) + 0.5) / size)[None]
        low = corners[:, axis, None]
        return (ticks >= low) & (ticks < low + sides[:, axis, None])

    hole = (covers(0)[:, :, None] & covers(1)[:, None, :]).any(0)
    return _punched(image, hole)


@degradations.register
def stroke_holes(
    image: Array,
    key: Array,
    *,
    count: int = 3,
    vertices: int = 4,
    width: float = 0.08,
) -> Array:
    """`image: [H, W, C]` with free-form holes, and the mask of them as a last channel.

    Each of `count` brush strokes joins `vertices` points, a random walk from anywhere in the image
    with steps of up to 0.4 of its side; `width` is the stroke's, in sides. Holes are mid-gray; the
    mask is 1 there and 0 elsewhere: `[H, W, C + 1]`.

    Raises:
      InputError: no stroke, fewer than two points, or a width outside [0, 1].

    Paper: Yu et al. 2019, arXiv:1806.03589
    """
    within("degrade.count", count, 1)
    within("degrade.vertices", vertices, 2)
    within("degrade.width", width, 0.0, 1.0)
    start_key, turn_key, length_key = jax.random.split(key, 3)
    start = jax.random.uniform(start_key, (count, 1, 2))
    angle = jax.random.uniform(turn_key, (count, vertices - 1), maxval=2 * jnp.pi)
    length = jax.random.uniform(length_key, angle.shape, minval=0.1, maxval=0.4)
    steps = length[..., None] * jnp.stack([jnp.sin(angle), jnp.cos(angle)], -1)
    points = jnp.concatenate([start, start + jnp.cumsum(steps, axis=1)], axis=1)
    points = jnp.clip(points, 0.0, 1.0)
    begin, end = (part.reshape(-1, 1, 1, 2) for part in (points[:, :-1], points[:, 1:]))
    height, size = image.shape[:2]
    grid = jnp.stack(
        jnp.meshgrid(
            (jnp.arange(height) + 0.5) / height,
            (jnp.arange(size) + 0.5) / size,
            indexing="ij",
        ),
        axis=-1,
    )[None]
    along = end - begin
    # A segment of length 0, two points clipped to one corner, is a disc.
    squared = jnp.maximum(jnp.sum(along * along, -1), 1e-12)
    share = jnp.clip(jnp.sum((grid - begin) * along, -1) / squared, 0.0, 1.0)
    nearest = begin + share[..., None] * along
    hole = (jnp.linalg.norm(grid - nearest, axis=-1) < width / 2).any(0)
    return _punched(image, hole)


def _punched(image: Array, hole: Array) -> Array:
    """Mid-gray where `hole: [H, W]`, which is the last channel."""
    hole = hole[..., None]
    known = jnp.where(hole, 0.5, image)
    return jnp.concatenate([known, hole.astype(image.dtype)], axis=-1)
