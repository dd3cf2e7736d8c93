"""What a translation model makes of a split, as images in [0, 1] for metrics and pictures."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from genlab import rng
from genlab.errors import InputError
from genlab.trained import Trained

BATCH = 64


@dataclass(frozen=True)
class Translations:
    """Inputs, outputs and targets of examples of a split, all in [0, 1].

    Attributes:
      x: [N, H, W, C'].
      y: [N, H, W, C], the true partner where the data set is paired.
      outputs: [N, H, W, C].
      factors: [N, F] int32, where the examples have them.
    """

    x: np.ndarray
    y: np.ndarray
    outputs: np.ndarray
    factors: np.ndarray | None

    def baselines(self) -> dict[str, np.ndarray]:
        """The inputs as guesses of the targets: `input`, or `nearest` and `bicubic` enlargements."""
        shown = as_picture(self.x, self.y.shape[-1])
        if shown.shape == self.y.shape:
            return {"input": shown}
        return {
            name: np.clip(jax.image.resize(shown, self.y.shape, method), 0, 1)
            for name, method in (("nearest", "nearest"), ("bicubic", "cubic"))
        }


def translate_split(
    trained: Trained, split: str, *, num: int, batch_size: int = BATCH
) -> Translations:
    """Translates `num` examples at even distances in a split, `batch_size` at a time.

    The noise of the generator depends on the run's seed, the batch and the place in it alone.

    Raises:
      InputError: the experiment does not translate, or `num` is below 1.
    """
    need_translation(trained, num)
    examples = trained.examples(split, num, spread=True)
    outputs = call_in_batches(trained, "translate", examples["x"], batch_size)
    return Translations(
        to_unit(trained, examples["x"]),
        to_unit(trained, examples["y"]),
        to_unit(trained, outputs),
        examples.get("factors"),
    )


def need_translation(trained: Trained, num: int) -> None:
    """Raises InputError unless the experiment translates and `num` is 1 or more."""
    if not trained.has("translate"):
        family = type(trained.experiment).__name__
        raise InputError(f"experiment {family} does not translate images")
    if num < 1:
        raise InputError(f"num={num} examples cannot be translated; take 1 or more")


def call_in_batches(
    trained: Trained, method: str, x: np.ndarray, batch_size: int, stream: int = 0
) -> np.ndarray:
    """`method(params, extra, x, key)` on `x: [N, ...]`, every batch of one size with its own key."""
    made = []
    for index, first in enumerate(range(0, len(x), batch_size)):
        rows = np.arange(first, first + batch_size)
        filled = x[np.minimum(rows, len(x) - 1)]
        key = jax.random.fold_in(rng.stream(trained.seed, "translate", index), stream)
        made.append(trained.call(method, filled, key))
    return np.concatenate(made)[: len(x)]


def to_unit(trained: Trained, images: np.ndarray) -> np.ndarray:
    """Images of the model's range in [0, 1], clipped."""
    low, high = trained.value_range
    return np.clip((np.asarray(images, np.float32) - low) / (high - low), 0, 1)


def as_picture(images: np.ndarray, channels: int) -> np.ndarray:
    """`[N, H, W, C']` with `channels`: gray is repeated, a mask or what is more left out."""
    if images.shape[-1] < channels:
        return np.repeat(images[..., :1], channels, axis=-1)
    return images[..., :channels]


def feature_batches(network, images: np.ndarray):
    """Features [n, F] of `images: [N, H, W, C] in [0, 1]`, batch by batch."""
    features = jax.jit(network.features)
    for first in range(0, len(images), BATCH):
        rows = np.arange(first, first + BATCH)
        batch = jnp.asarray(images[np.minimum(rows, len(images) - 1)])
        yield np.asarray(features(batch))[: len(images) - first]
