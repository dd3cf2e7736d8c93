"""Colour images whose three channels are digits: a thousand modes that a classifier can count."""

import functools
import itertools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.images import Size
from genlab.data.split import Raw, Split
from genlab.errors import InputError
from genlab.game import rng
from genlab.numbers import Count, Seed
from genlab.registry import datasets

Array = jax.Array

CHANNELS = 3
HELD_OUT = 4  # times fewer examples than there are for training


@datasets.register
def stacked_digits(
    source: str = "digits",
    *,
    image_size: Size | None = None,
    data_dir: str | None = None,
    size: Count = 128_000,
    seed: Seed = 0,
) -> Dataset:
    """Three digits as red, green and blue: `stacked_digits`, or `stacked_digits:tfds:mnist`.

    Every example draws its digits from the split of the source that it is of, by its own index; so
    the classes are the 1,000 triples, in about the same number each. Held-out splits have a fourth
    of the examples.

    Args:
      source: a data set of gray images with classes; scikit-learn's digits without.
      image_size: of the source, a side in pixels or (height, width); None keeps its size.
      data_dir: of a source that has such a knob.
      size: examples for training, 128,000 in the papers.
      seed: of the draws.

    Raises:
      InputError: a source of anything but gray images with classes, or as the source says.

    Papers: Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086
    """
    knobs = {"image_size": image_size, "data_dir": data_dir}
    chosen = {name: value for name, value in knobs.items() if value is not None}
    base = datasets.build(source or "digits", **chosen)()
    if not base.is_image or base.example_shape[2] != 1 or base.num_classes < 2:
        raise InputError(
            f"{base.name!r} has examples {tuple(base.example_shape)} of {base.num_classes} classes;"
            " gray images with classes are stacked, such as 'digits' or 'tfds:mnist'"
        )
    counts = dict.fromkeys(base.splits, -(-size // HELD_OUT)) | {"train": size}
    names = base.class_names or tuple(map(str, range(base.num_classes)))
    return Dataset(
        name=f"stacked_digits:{base.name}",
        splits={
            split: StackedSplit(
                part, counts[split], base.num_classes, rng.stream(seed, split)
            )
            for split, part in base.splits.items()
        },
        example_shape=(*base.example_shape[:2], CHANNELS),
        num_classes=base.num_classes**CHANNELS,
        class_names=tuple(map(" ".join, itertools.product(names, repeat=CHANNELS))),
        files=base.files,
    )


class StackedSplit(Split):
    """Examples of gray images of another split, three at a time.

    Args:
      base: the other split; where it is empty, so is this one.
      size: number of examples.
      num_classes: of the other split.
      key: of the draws.
    """

    def __init__(self, base: Split, size: int, num_classes: int, key: Array):
        self.size = size if base.size else 0
        self.nbytes = base.nbytes
        self._base, self._classes, self._key = base, num_classes, key

    def gather(self, indices: np.ndarray) -> Raw:
        # Shapes of a blank example are asked for inside of traces.
        with jax.ensure_compile_time_eval():
            rows = np.asarray(self._compiled(np.asarray(indices)))
        return self._stacked(self._base.gather(rows), np)

    def resident(self) -> dict[str, np.ndarray] | None:
        return self._base.resident()

    def lookup(self, resident: Mapping[str, Array], indices: Array) -> Raw:
        rows = self._rows(indices)
        found = self._base.lookup(resident, rows.reshape(-1))
        shaped = {
            name: leaf.reshape(*rows.shape, *leaf.shape[1:])
            for name, leaf in found.items()
        }
        return self._stacked(shaped, jnp)

    def load(self) -> "StackedSplit":
        return StackedSplit(self._base.load(), self.size, self._classes, self._key)

    @functools.cached_property
    def _compiled(self):
        return jax.jit(self._rows)

    def _rows(self, indices: Array) -> Array:
        """Which digits of the other split the examples at `indices: [...]` are of: [..., 3]."""
        one = lambda index: jax.random.randint(
            rng.fold(self._key, index), (CHANNELS,), 0, self._base.size
        )
        return jax.vmap(one)(indices.reshape(-1)).reshape(*indices.shape, CHANNELS)

    def _stacked(self, found: Raw, xp) -> Raw:
        """Digits `x: [..., 3, H, W, 1]` and their labels as examples of three channels."""
        places = self._classes ** np.arange(CHANNELS)[::-1]
        label = sum(
            found["label"][..., place] * int(worth)
            for place, worth in enumerate(places)
        )
        x = xp.moveaxis(found["x"][..., 0], -3, -1)
        return {"x": x, "label": label.astype(np.int32)}
