"""Random changes of one image that keep its meaning; vmapped over the batch, on the device.

To add one: write a function of `image: [H, W, C] in [0, 1]` and a key, and register it. What is `of_images` is
a corruption of a batch as well, each image by a key of its own, so that a family may make views of examples by
it or show them to a discriminator. Melodies `[T, V]` are moved in the same place.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from genlab.data.diff_augment import resampled
from genlab.data.images import luma
from genlab.data.melody import PITCH
from genlab.errors import InputError
from genlab.game import rng
from genlab.numbers import Count, Fraction, NonNegative, Positive, Range, Whole
from genlab.part import giving
from genlab.registry import Registry, corruptions

Array = jax.Array

# Not one of `registry.REGISTRIES`: an augmentation is a part of a data preparation, found by
# walking this room like a data set.
augmentations = Registry(
    "augmentation", "genlab.data", watch=giving("augmentation", same=True)
)


def of_images(part: Callable) -> Callable:
    """Decorator that registers an augmentation, and as a corruption what it makes of each of
    `x: [B, H, W, C]`."""

    @functools.wraps(part)
    def strike(x: Array, key: Array, **knobs) -> Array:
        one = functools.partial(part, **knobs)
        return jax.vmap(one)(x, rng.examples(key, x.shape[0]))

    image, *others = inspect.signature(part).parameters.values()
    strike.__signature__ = inspect.Signature([image.replace(name="x"), *others])
    corruptions.register(strike)
    return augmentations.register(part)


def of_unit_range(part: Callable) -> Callable:
    """Says of an augmentation that it takes black for 0 and white for 1."""
    part.of_unit_range = True
    return part


@of_images
def horizontal_flip(image: Array, key: Array, *, probability: Fraction = 0.5) -> Array:
    """`image: [H, W, C]` mirrored left to right with `probability`."""
    return jnp.where(jax.random.bernoulli(key, probability), image[:, ::-1], image)


@of_images
def random_crop(
    image: Array, key: Array, *, padding: Whole = 4, mode: str = "constant"
) -> Array:
    """`image: [H, W, C]` padded by `padding` pixels on each side and cropped back at random.

    `mode` is one of jnp.pad: `constant` (zeros), `edge`, `reflect`.
    """
    if padding < 0:
        raise InputError(f"random_crop padding {padding} is negative; use 0 or more")
    borders = ((padding, padding), (padding, padding), (0, 0))
    return _crop(jnp.pad(image, borders, mode=mode), key, image.shape)


@of_images
def random_jitter(image: Array, key: Array, *, enlarge: Whole = 30) -> Array:
    """`image: [H, W, C]` enlarged by `enlarge` pixels (bilinear) and cropped back at random.

    Paper: Isola et al. 2017, arXiv:1611.07004
    """
    if enlarge < 0:
        raise InputError(f"random_jitter enlarge {enlarge} is negative; use 0 or more")
    height, width, channels = image.shape
    larger = jax.image.resize(
        image, (height + enlarge, width + enlarge, channels), "linear"
    )
    return _crop(larger, key, image.shape)


@of_images
def random_resized_crop(
    image: Array, key: Array, *, min_area: Annotated[float, Range(0, 1, "(]")] = 0.2
) -> Array:
    """A random window of `image: [H, W, C]`, resized back to the full size (bilinear).

    The window covers a share of the area drawn from [min_area, 1), its aspect ratio log-uniform in
    [3/4, 4/3], cut to the image.

    Paper: Szegedy et al. 2015, arXiv:1409.4842; Chen et al. 2020, arXiv:2002.05709
    """
    area_key, ratio_key, row_key, column_key = jax.random.split(key, 4)
    area = min_area + (1 - min_area) * jax.random.uniform(area_key)
    bound = jnp.log(4 / 3)
    ratio = jnp.exp(jax.random.uniform(ratio_key, minval=-bound, maxval=bound))
    height = jnp.minimum(jnp.sqrt(area / ratio), 1.0)
    width = jnp.minimum(jnp.sqrt(area * ratio), 1.0)
    top = jax.random.uniform(row_key) * (1 - height)
    left = jax.random.uniform(column_key) * (1 - width)
    size = jnp.array(image.shape[:2], jnp.float32)
    # scale_and_translate maps input to output: output = input * scale + translation.
    scale = 1 / jnp.stack([height, width])
    translation = -jnp.stack([top, left]) * scale * size
    return jax.image.scale_and_translate(
        image, image.shape, (0, 1), scale, translation, "linear", antialias=False
    )


@of_images
@of_unit_range
def color_jitter(
    image: Array,
    key: Array,
    *,
    brightness: NonNegative = 0.4,
    contrast: NonNegative = 0.4,
    saturation: NonNegative = 0.4,
    probability: Fraction = 1.0,
) -> Array:
    """Brightness, contrast and saturation of `image: [H, W, C] in [0, 1]` scaled by 1 +- the knobs.

    All three with `probability`, or none.

    Paper: Chen et al. 2020, arXiv:2002.05709
    """
    keys, given = jax.random.split(key, 3), image

    def factor(index: int, strength: float) -> Array:
        return 1 + strength * jax.random.uniform(keys[index], minval=-1.0)

    image = image * factor(0, brightness)
    mean = jnp.mean(luma(image))
    image = mean + (image - mean) * factor(1, contrast)
    gray = jnp.broadcast_to(luma(image), image.shape)
    image = gray + (image - gray) * factor(2, saturation)
    struck = jax.random.bernoulli(rng.fold(key, "coin"), probability)
    return jnp.where(struck, jnp.clip(image, 0.0, 1.0), given)


@of_images
def random_grayscale(image: Array, key: Array, *, probability: Fraction = 0.2) -> Array:
    """`image: [H, W, C]` without its colour with `probability`.

    Paper: Chen et al. 2020, arXiv:2002.05709
    """
    gray = jnp.broadcast_to(luma(image), image.shape)
    return jnp.where(jax.random.bernoulli(key, probability), gray, image)


@of_images
def gaussian_blur(
    image: Array,
    key: Array,
    *,
    probability: Fraction = 0.5,
    least: Positive = 0.1,
    most: Positive = 2.0,
    radius: Count = 3,
) -> Array:
    """`image: [H, W, C]` blurred by a Gaussian with `probability`.

    Its deviation is drawn from [least, most) pixels; it is cut off beyond `radius` pixels.

    Paper: Chen et al. 2020, arXiv:2002.05709
    """
    coin, draw = jax.random.split(key)
    deviation = jax.random.uniform(draw, minval=least, maxval=most)
    places = jnp.arange(-radius, radius + 1)
    weights = jax.nn.softmax(-0.5 * jnp.square(places / deviation))
    blurred = image
    for axis in (0, 1):
        borders = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
        padded, size = jnp.pad(blurred, borders, mode="edge"), image.shape[axis]
        shifted = (
            jax.lax.slice_in_dim(padded, i, i + size, axis=axis)
            for i in range(len(places))
        )
        blurred = sum(w * one for w, one in zip(weights, shifted, strict=True))
    return jnp.where(jax.random.bernoulli(coin, probability), blurred, image)


@of_images
def random_rotation(
    image: Array, key: Array, *, degrees: Annotated[float, Range(0, 180)] = 15.0
) -> Array:
    """`image: [H, W, C]` turned about its centre by an angle drawn from [-degrees, degrees).

    Bilinear; 0 beyond the border.
    """
    angle = jnp.deg2rad(degrees) * jax.random.uniform(key, minval=-1.0)
    return resampled(image[None], jnp.cos(angle)[None], jnp.sin(angle)[None])[0]


@augmentations.register
def transposition(image: Array, key: Array, *, semitones: Whole = 5) -> Array:
    """A melody `image: [T, V]` moved by up to `semitones` up or down, all its notes within the range.

    Every move that leaves no note beyond the V - 2 pitches is as likely as the others.

    Raises:
      InputError: examples are not one-hot tokens [T, V].

    Paper: Roberts et al. 2018, arXiv:1803.05428, appendix A
    """
    if image.ndim != 2 or image.shape[1] <= PITCH:
        raise InputError(
            f"transposition is of melodies [T, V], as 'folksongs' has them; examples here have shape"
            f" {tuple(image.shape)}"
        )
    pitches = image[:, PITCH:]
    heard = jnp.max(pitches, axis=0) > 0
    any_heard, size = jnp.any(heard), pitches.shape[1]
    lowest = jnp.where(any_heard, jnp.argmax(heard), 0)
    highest = jnp.where(any_heard, size - 1 - jnp.argmax(heard[::-1]), size - 1)
    down = jnp.minimum(semitones, lowest)
    up = jnp.minimum(semitones, size - 1 - highest)
    move = jax.random.randint(key, (), -down, up + 1)
    moved = jnp.roll(pitches, move, axis=1)
    return jnp.concatenate([image[:, :PITCH], moved], axis=1)


def _crop(image: Array, key: Array, shape: tuple[int, ...]) -> Array:
    room = jnp.array(image.shape[:2]) - jnp.array(shape[:2])
    corner = jax.random.randint(key, (2,), 0, room + 1)
    return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), shape)
