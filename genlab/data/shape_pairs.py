"""Two drawings of the same sprite, made on the device from exact factors."""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, golden_order
from genlab.data.shapes import SHAPES, coverage, held_out_splits, index_of_train
from genlab.data.split import RenderedSplit
from genlab.errors import InputError, suggest
from genlab.numbers import Count
from genlab.registry import datasets

Array = jax.Array
Style = Callable[[Array, Array, Array], Array]

PLACES = 8  # values of x and of y
FACTORS = {"shape": 3, "size": 6, "orientation": 40, "x": PLACES, "y": PLACES}
INK = ((1.0, 0.35, 0.25), (0.3, 0.9, 0.4), (0.35, 0.55, 1.0))  # of each shape


def _filled(cover: Array, line: Array, shape: Array) -> Array:
    del line, shape
    return cover[..., None]


def _outlined(cover: Array, line: Array, shape: Array) -> Array:
    del cover, shape
    return line[..., None]


def _inked(cover: Array, line: Array, shape: Array) -> Array:
    del line
    return cover[..., None] * jnp.array(INK)[shape][None, None]


def _gray(cover: Array, line: Array, shape: Array) -> Array:
    del line, shape
    return jnp.repeat(cover[..., None], 3, axis=-1)


def _negative(cover: Array, line: Array, shape: Array) -> Array:
    return 1 - _inked(cover, line, shape)


# Name of a change -> how x and y are drawn.
CHANGES: dict[str, tuple[Style, Style]] = {
    "fill": (_outlined, _filled),
    "outline": (_filled, _outlined),
    "ink": (_gray, _inked),
    "negative": (_inked, _negative),
}


@datasets.register
def shape_pairs(
    *,
    change: str = "fill",
    image_size: Count = 32,
    paired: bool = True,
) -> Dataset:
    """Sprites of `shapes` drawn in two ways, with their exact factors.

    `fill` goes from outlines to filled sprites and `outline` back (one channel); `ink` from white
    sprites to sprites whose colour says their shape, `negative` from those to their complement
    (three channels). Held-out examples are always pairs. `Dataset.render` draws the second domain.
    Factors and held-out splits are those of `shapes` with 8 places: 46,080 images.

    Args:
      change: `fill`, `outline`, `ink` or `negative`.
      image_size: side in pixels.
      paired: False shows training the y of another sprite, always the same one, whose factors
        agree as often as those of two sprites drawn at random.

    Raises:
      InputError: an unknown change, or an image_size below 1.
    """
    images.check_options(image_size, None, square=True)
    if change not in CHANGES:
        raise InputError(f"change {change!r} is unknown{suggest(change, CHANGES)}")
    styles = [
        functools.partial(_draw, style=style, image_size=image_size)
        for style in CHANGES[change]
    ]
    shape = jax.eval_shape(styles[1], jnp.zeros(len(FACTORS), jnp.int32)).shape
    sizes = tuple(FACTORS.values())
    total = math.prod(sizes)

    def example(index: Array, other: Array) -> dict[str, Array]:
        factors, others = (
            jnp.stack(jnp.unravel_index(i, sizes)).astype(jnp.int32)
            for i in (index, other)
        )
        return {
            "x": styles[0](factors),
            "y": styles[1](others),
            "label": factors[0],
            "factors": factors,
        }

    return Dataset(
        name=f"shape_pairs:{change}",
        splits=_splits(example, total, paired),
        example_shape=shape,
        target_shape=shape,
        paired=True,
        num_classes=len(SHAPES),
        class_names=SHAPES,
        factors=FACTORS,
        render=jax.vmap(styles[1]),
    )


def _splits(
    example: Callable[[Array, Array], dict[str, Array]], total: int, paired: bool
) -> dict[str, RenderedSplit]:
    splits = held_out_splits(lambda index: example(index, index), total)
    if not paired:
        size = splits["train"].size
        others = partners(size)

        def apart(position: Array) -> dict[str, Array]:
            other = jnp.asarray(others)[position]
            return example(index_of_train(position), index_of_train(other))

        splits["train"] = RenderedSplit(apart, size)
    return splits


def partners(size: int) -> np.ndarray:
    """The sprite that each of `size` unpaired ones stands with: a permutation `[size]` int32."""
    # Steps and multiples modulo the size would not do: where it is even, they keep the parity of the
    # last factor or turn it always. Half a turn on, none of shape_pairs' is its own partner.
    return np.roll(golden_order(size), size // 2).astype(np.int32)


def _draw(factors: Array, *, style: Style, image_size: int) -> Array:
    """One sprite `[H, W, C]` uint8 from its factor values `[5]` int32."""
    draw = functools.partial(coverage, factors, image_size=image_size, places=PLACES)
    cover, inner = draw(), draw(inset=1.5)
    picture = style(cover, cover - inner, factors[0])
    return jnp.round(255 * picture).astype(jnp.uint8)
