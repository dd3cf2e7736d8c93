"""Sprites with exact generative factors, drawn on the device from their index."""

import functools
import math
from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from genlab.data import images
from genlab.data.captions import Captions, of_sprites
from genlab.data.dataset import Dataset
from genlab.data.split import RenderedSplit
from genlab.errors import InputError
from genlab.numbers import Count, Range
from genlab.registry import datasets

Array = jax.Array
Example = Callable[[Array], dict[str, Array]]

SHAPES = ("square", "ellipse", "heart")
EXTENT = 0.22  # radius of the circle round the largest sprite, in image sides
# Every PERIOD-th image is a test image and the one after it a validation image. 13 divides no
# factor's number of values, so that each value keeps its share in every split.
PERIOD = 13


@datasets.register
def shapes(
    *,
    image_size: Count = 64,
    colors: Annotated[int, Range(1, 256)] = 1,
    channels: int | None = None,
    places: Annotated[int, Range(2, 512)] = 32,
    hold_out: bool = True,
    captions: bool = False,
) -> Dataset:
    """Square, ellipse and heart by size, angle and place: 737,280 images with exact factors.

    The factors and their numbers of values are those of dSprites: shape 3, size 6 (half to full),
    orientation 40 (a full turn, its end left out, so that no two are equal for a heart), x 32, y
    32. A square looks the same at every tenth orientation and an ellipse at every twentieth. The
    images are drawn here, anti-aliased, white or coloured on black, and are not dSprites' files.
    Image i of all has the i-th combination of factors, the last factor running fastest.

    Images 0, 13, 26, ... are the test split, 1, 14, 27, ... the validation split, the others train.
    `Dataset.render` draws any combination, whichever split it is in.

    Args:
      image_size: side in pixels.
      colors: number of hues; above 1 it is a first factor `color`, and images are RGB.
      channels: 3 to repeat the gray channel of white sprites; None takes what `colors` needs.
      places: values of x and of y, 2 or more, evenly apart; 32 are dSprites'.
      hold_out: False puts every image in train and leaves validation and test empty, as papers on
        disentanglement do.
      captions: True makes the class of an image what a caption says of it, 'a small red heart at the
        top left', in the place of its shape; see `captions.of_sprites`.

    Raises:
      InputError: an image_size below 1, colors outside 1..256, one channel for several colours,
        fewer than two places, captions of hues that have no names.

    Paper: Matthey et al. 2017, dSprites; Higgins et al. 2017, beta-VAE
    """
    images.check_options(image_size, channels, square=True)
    if colors > 1 and channels == 1:
        raise InputError(f"{colors} colors need 3 channels, not 1; leave channels out")
    factors = {"shape": 3, "size": 6, "orientation": 40, "x": places, "y": places}
    if colors > 1:
        factors = {"color": colors, **factors}
    depth = channels or (3 if colors > 1 else 1)
    draw = functools.partial(
        _draw, image_size=image_size, channels=depth, colors=colors, places=places
    )
    sizes = tuple(factors.values())
    written = of_sprites(factors, SHAPES) if captions else None
    example = functools.partial(_example, draw=draw, sizes=sizes, captions=written)
    names = written.texts if written else SHAPES
    divide = held_out_splits if hold_out else _keep_all
    return Dataset(
        name="shapes",
        splits=divide(example, math.prod(sizes)),
        example_shape=(image_size, image_size, depth),
        num_classes=len(names),
        class_names=names,
        captions=written,
        factors=factors,
        render=jax.vmap(draw),
    )


def held_out_splits(example: Example, total: int) -> dict[str, RenderedSplit]:
    """The splits of `total` examples, each made from its index among all."""
    test, validation = -(-total // PERIOD), -(-(total - 1) // PERIOD)
    return {
        "train": RenderedSplit(
            lambda j: example(index_of_train(j)), total - test - validation
        ),
        "validation": RenderedSplit(lambda j: example(PERIOD * j + 1), validation),
        "test": RenderedSplit(lambda j: example(PERIOD * j), test),
    }


def index_of_train(position: Array | int) -> Array | int:
    """Index among all examples of the one at a position of the train split."""
    rest = PERIOD - 2
    return PERIOD * (position // rest) + 2 + position % rest


def _keep_all(example: Example, total: int) -> dict[str, RenderedSplit]:
    return {
        "train": RenderedSplit(example, total),
        "validation": RenderedSplit(example, 0),
        "test": RenderedSplit(example, 0),
    }


def _example(
    index: Array,
    *,
    draw: Callable[[Array], Array],
    sizes: tuple[int, ...],
    captions: Captions | None,
) -> dict[str, Array]:
    """The raw example of a combination's index: `[]` int32."""
    factors = jnp.stack(jnp.unravel_index(index, sizes)).astype(jnp.int32)
    label = captions.index(factors) if captions else factors[len(sizes) - 5]
    return {"x": draw(factors), "label": label, "factors": factors}


def _draw(
    factors: Array, *, image_size: int, channels: int, colors: int, places: int
) -> Array:
    """One sprite `[H, W, C]` uint8 from its factor values `[F]` int32."""
    covered = coverage(factors, image_size=image_size, places=places)[..., None]
    color = _hue(factors[0] / colors) if colors > 1 else jnp.ones(channels)
    return jnp.round(255 * covered * color[None, None]).astype(jnp.uint8)


def coverage(
    factors: Array, *, image_size: int, places: int, inset: float = 0.0
) -> Array:
    """How much of each pixel a sprite covers, `[H, W]` in [0, 1].

    Args:
      factors: [F] int32, the last five of them shape, size, orientation, x and y.
      image_size: side in pixels.
      places: values of x and of y.
      inset: pixels by which the outline is moved inwards.
    """
    shape, size, orientation, column, row = (
        factors[i] for i in range(factors.shape[0] - 5, factors.shape[0])
    )
    extent = EXTENT * (0.5 + 0.1 * size)
    angle = orientation * (2 * math.pi / 40)
    # The outermost centres are a quarter from the border, so that no sprite is cut.
    centre = 0.25 + 0.5 / (places - 1) * jnp.stack([column, row])
    ticks = (jnp.arange(image_size) + 0.5) / image_size
    right, down = jnp.meshgrid(ticks - centre[0], ticks - centre[1])
    u = (jnp.cos(angle) * right + jnp.sin(angle) * down) / extent
    v = (jnp.cos(angle) * down - jnp.sin(angle) * right) / extent
    distance = jax.lax.select_n(shape, _square(u, v), _ellipse(u, v), _heart(u, v))
    # A pixel is covered in proportion to how far the outline lies beyond its centre.
    return jnp.clip(0.5 - inset - distance * extent * image_size, 0.0, 1.0)


def _square(u: Array, v: Array, half: float = 0.5**0.5) -> Array:
    """Signed distance to a square of half side `half`, negative inside."""
    across, along = jnp.abs(u) - half, jnp.abs(v) - half
    outside = jnp.hypot(jnp.maximum(across, 0.0), jnp.maximum(along, 0.0))
    return outside + jnp.minimum(jnp.maximum(across, along), 0.0)


def _ellipse(u: Array, v: Array, ratio: float = 0.5) -> Array:
    """Distance to an ellipse of half axes 1 and `ratio`, to first order at its outline."""
    level = jnp.hypot(u, v / ratio)
    slope = jnp.hypot(u, v / ratio**2)
    return level * (level - 1) / jnp.maximum(slope, 1e-6)


def _heart(u: Array, v: Array) -> Array:
    """Signed distance to a square on its tip with a disc on each upper side, inside the unit
    circle; v points down."""
    half = 0.5  # of the square's side; the discs have this radius
    turned = _square((u + v) * 0.5**0.5, (v - u) * 0.5**0.5, half)
    offset = half * 0.5**0.5
    discs = jnp.hypot(jnp.abs(u) - offset, v + offset) - half
    return jnp.minimum(turned, discs)


def _hue(hue: Array) -> Array:
    """RGB in [0, 1] of a fully saturated hue in [0, 1): `[3]`."""
    phase = (6 * hue + jnp.array([0.0, 4.0, 2.0])) % 6
    return jnp.clip(jnp.abs(phase - 3) - 1, 0.0, 1.0)
