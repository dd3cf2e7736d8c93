"""What a translation model makes of a split, as images in [0, 1] for metrics and pictures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax
import numpy as np

from genlab.data import bicubic
from genlab.data.images import luma
from genlab.errors import InputError
from genlab.features.classifier import FeatureNetwork
from genlab.game import rng
from genlab.game.precision import exact_products
from genlab.trained.trained import Trained

CHUNK = 64  # images that a feature network sees at a time


@dataclass(frozen=True)
class Translations:
    """Inputs, outputs and targets of examples of a split, all in [0, 1].

    Attributes:
      x: [N, H, W, C'].
      y: [N, H, W, C], the true partner where the data set is paired.
      outputs: [N, H, W, C].
      factors: [N, F] int32, where the examples have them.
      protocol: what the outputs depend on besides the model.
    """

    x: np.ndarray
    y: np.ndarray
    outputs: np.ndarray
    factors: np.ndarray | None
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def holes(self) -> np.ndarray | None:
        """1 where an input has a hole, [N, H, W, 1]; None where inputs carry no mask."""
        if self.x.shape[1:] != (*self.y.shape[1:3], self.y.shape[-1] + 1):
            return None
        return (self.x[..., -1:] > 0.5).astype(np.float32)

    def with_holes(self) -> Self:
        """Those whose input has a hole, and their number in the protocol; all where inputs carry no
        mask.

        Raises:
          InputError: no input has a hole.
        """
        if self.holes is None:
            return self
        kept = self.holes.any((1, 2, 3))
        if not kept.any():
            raise InputError(
                f"none of the {len(kept)} inputs has a hole that a model could have filled; take"
                " more with num"
            )
        return replace(
            self,
            x=self.x[kept],
            y=self.y[kept],
            outputs=self.outputs[kept],
            factors=None if self.factors is None else self.factors[kept],
            protocol={**self.protocol, "with_holes": int(kept.sum())},
        )

    def baselines(self) -> dict[str, np.ndarray]:
        """The inputs as guesses of the targets: `input`, or `nearest` and `bicubic` enlargements."""
        return as_guesses(self.x, self.y.shape)

    def guesses(self) -> dict[str, np.ndarray]:
        """What metrics compare, by the suffix of their values: "" the outputs, then `_BASELINE`."""
        return {"": self.outputs} | {f"_{n}": g for n, g in self.baselines().items()}


def translate_split(trained: Trained, split: str, *, num: int) -> Translations:
    """Translates `num` examples at even distances in a split, in batches of `trained.batch_size`.

    The noise of the generator depends on the run's seed, the batch and the place in it alone.
    """
    examples = trained.examples(split, num)
    outputs = call_in_batches(trained, "translate", examples["x"])
    protocol = {
        "split": split,
        "examples": len(outputs),
        "batch_size": trained.batch_size,
        "seed": trained.seed,
    }
    return Translations(
        to_unit(trained, examples["x"]),
        to_unit(trained, examples["y"]),
        to_unit(trained, outputs),
        examples.get("factors"),
        protocol,
    )


def call_in_batches(
    trained: Trained, method: str, x: np.ndarray, stream: int = 0
) -> np.ndarray:
    """`method(params, extra, x, key)` on `x: [N, ...]`, each batch with a key of its own.

    Batches have `trained.batch_size` examples, the last what is left: with copies in their place,
    batch normalisation would weigh some examples more than others.
    """
    made = []
    for index, first in enumerate(range(0, len(x), trained.batch_size)):
        batch = x[first : first + trained.batch_size]
        key = rng.fold(rng.stream(trained.seed, "translate", index), stream)
        made.append(trained.call(method, batch, key))
    return np.concatenate(made)


def to_unit(trained: Trained, images: np.ndarray) -> np.ndarray:
    """Images of the model's range in [0, 1], clipped."""
    low, high = trained.value_range
    return np.clip((np.asarray(images, np.float32) - low) / (high - low), 0, 1)


def as_guesses(x: np.ndarray, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """`x: [N, h, w, C'] in [0, 1]` as images [N, H, W, C] of `shape`, by how they come to it."""
    shown = as_picture(x, shape[-1])
    if shown.shape[1:] == tuple(shape[1:]):
        return {"input": shown}
    nearest = jax.image.resize(shown, (len(shown), *shape[1:]), "nearest")
    enlarged = bicubic.resize(shown, *shape[1:3])
    return {"nearest": np.asarray(nearest), "bicubic": np.clip(enlarged, 0, 1)}


def as_picture(images: np.ndarray, channels: int) -> np.ndarray:
    """`[N, H, W, C'] in [0, 1]` with 1 or 3 `channels`: a mask beyond gray or colour is left out,
    gray is repeated, of colour the luminance is taken."""
    depth = images.shape[-1]
    if depth in (2, 4):
        images, depth = images[..., :-1], depth - 1
    if depth == channels:
        return images
    if channels == 1:
        return luma(images)
    return np.repeat(images, channels, axis=-1)


def in_chunks(images: np.ndarray) -> Iterator[np.ndarray]:
    """`images: [N, ...]`, CHUNK at a time."""
    for first in range(0, len(images), CHUNK):
        yield images[first : first + CHUNK]


def feature_batches(
    network: FeatureNetwork, chunks: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """Features [n, F] of each chunk of images, [n, H, W, C] in [0, 1]."""
    features = jax.jit(exact_products(network.features))
    for images in chunks:
        yield np.asarray(features(images))
