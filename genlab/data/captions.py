"""Captions written from the factors of an image, and read back."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError

Array = jax.Array | np.ndarray

HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")
SIZES, ROWS, COLUMNS = ("small", "large"), ("top", "bottom"), ("left", "right")


@dataclasses.dataclass(frozen=True, eq=False)
class Captions:
    """All captions of a data set: one word for each attribute in a sentence.

    Caption i of all has the i-th combination of words, the last attribute running fastest.

    Attributes:
      template: the sentence, with attributes in braces.
      words: attribute -> its words.
      values: traceable, factors `[..., F]` int32 to which word each attribute has, `[..., A]`.
    """

    template: str
    words: Mapping[str, tuple[str, ...]]
    values: Callable[[Array], Array]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of words of each attribute."""
        return tuple(map(len, self.words.values()))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every caption, in order."""
        return tuple(
            self.template.format(**dict(zip(self.words, chosen, strict=True)))
            for chosen in itertools.product(*self.words.values())
        )

    def index(self, factors: Array) -> Array:
        """The caption of factors `[..., F]`: `[...]` int32."""
        values = jnp.moveaxis(self.values(factors), -1, 0)
        return jnp.ravel_multi_index(tuple(values), self.sizes, mode="clip")

    def words_of(self, index: np.ndarray) -> np.ndarray:
        """Which word each attribute has in captions `index: [N]`: [N, A]."""
        return np.stack(np.unravel_index(index, self.sizes), axis=-1)


def of_sprites(factors: Mapping[str, int], shapes: tuple[str, ...]) -> Captions:
    """Captions of `shapes`: 'a small red heart at the top left'.

    A sprite is small in the lower half of its sizes; top, bottom, left and right are halves of the
    places. The orientation is not told.

    Args:
      factors: name -> number of values, in order; `color` first where there are several.
      shapes: their names.

    Raises:
      InputError: a number of colours that have no names.
    """
    words = {"size": SIZES, "shape": shapes, "row": ROWS, "column": COLUMNS}
    template = "a {size} {shape} at the {row} {column}"
    colors, first = factors.get("color", 1), int("color" in factors)
    if colors > 1:
        if len(HUES) % colors:
            raise InputError(
                f"captions name 2, 3 or 6 colors, {', '.join(HUES)}, not {colors} hues"
            )
        words = {"color": HUES[:: len(HUES) // colors], **words}
        template = "a {size} {color} {shape} at the {row} {column}"

    def values(found: Array) -> Array:
        shape, size, _, column, row = (found[..., first + i] for i in range(5))
        half = lambda value, name: 2 * value // factors[name]
        told = [half(size, "size"), shape, half(row, "y"), half(column, "x")]
        return jnp.stack([found[..., 0]] * first + told, axis=-1)

    return Captions(template, words, values)
