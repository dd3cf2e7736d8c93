"""From raw examples to what a network sees, on the device, inside the compiled step."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab import rng
from genlab.data.augment import augmentations
from genlab.errors import InputError, suggest

Array = jax.Array

BINARIZE = ("none", "dynamic", "fixed")


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How a raw batch becomes a training or evaluation batch.

    Order: pixels to [0, 1], augmentation (training only), binarisation, range. Augmentations and
    dynamic binarisation are drawn per example from the call's key.

    Binarisation reads a pixel of [0, 1] as the probability of a one. `dynamic` draws anew at each
    use, in training and in evaluation. `fixed` draws each pixel of an example once for all time,
    from the example's index in its split and from nothing else: the same in every epoch, run and
    evaluation. It is not the file of binarised MNIST that some papers use (Larochelle & Murray
    2011), and likelihoods under the two protocols are not comparable. Fixed examples cannot be
    augmented, since that would bring the fresh noise back.

    Attributes:
      value_range: what black and white become, (0, 1) or (-1, 1).
      binarize: `none`, `dynamic` or `fixed`.
      augment: names of augmentations, or dicts of `name` and knobs, applied in order.

    Raises:
      InputError: an unknown binarisation or augmentation, or an unknown knob of one.
    """

    value_range: tuple[float, float] = (0.0, 1.0)
    binarize: str = "none"
    augment: tuple[str | Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.binarize not in BINARIZE:
            raise InputError(
                f"unknown binarisation {self.binarize!r}{suggest(self.binarize, BINARIZE)}"
            )
        if len(self.value_range) != 2:
            raise InputError(
                f"value_range {self.value_range} needs two numbers, (0, 1) or (-1, 1)"
            )
        if self.augment and self.binarize == "fixed":
            raise InputError(
                "binarize='fixed' gives an example the same pixels always and cannot be"
                " augmented; use 'dynamic' or no augmentation"
            )
        self._augmentations()

    def __call__(self, raw: Mapping[str, Array], key: Array, train: bool) -> dict:
        """The batch that a network sees.

        Args:
          raw: `x: [B, H, W, C]` uint8 or `[B, D]` float32, `index: [B]` int32 where binarisation
            is fixed; other leaves pass unchanged.
          key: this use's key.
          train: whether to augment.

        Returns:
          `x: [B, H, W, C]` float32 in value_range, or the points `[B, D]` unchanged, and the
          other leaves.

        Raises:
          InputError: points with a binarisation or augmentation, which are for images.
        """
        x = raw["x"]
        if x.dtype != jnp.uint8:
            if self.binarize != "none" or self.augment:
                raise InputError(
                    f"examples of shape {x.shape[1:]} and type {x.dtype} are points;"
                    " binarize and augment are for images"
                )
            return dict(raw)
        x = x.astype(jnp.float32) / 255
        if train:
            for position, augmentation in enumerate(self._augmentations()):
                keys = rng.examples(rng.fold(key, f"augment/{position}"), x.shape[0])
                x = jax.vmap(augmentation)(x, keys)
        if self.binarize == "dynamic":
            x = rng.bernoulli(rng.fold(key, "binarize"), x, x.shape).astype(jnp.float32)
        elif self.binarize == "fixed":
            x = (_fixed_noise(raw["index"], x.shape) < x).astype(jnp.float32)
        low, high = self.value_range
        return {**raw, "x": low + (high - low) * x}

    def _augmentations(self) -> list[Callable[[Array, Array], Array]]:
        parts = []
        for entry in self.augment:
            knobs = {"name": entry} if isinstance(entry, str) else dict(entry)
            if "name" not in knobs:
                raise InputError(
                    f"augmentation {knobs} needs a name, as in"
                    " dict(name='random_crop', padding=4)"
                )
            name = knobs.pop("name")
            augmentations.check_knobs(name, knobs)
            parts.append(functools.partial(augmentations.find(name), **knobs))
        return parts


def _fixed_noise(index: Array, shape: tuple[int, ...]) -> Array:
    """Uniform draws `[B, H, W, C]` that depend on each example's index alone."""
    root = rng.stream(0, "fixed binarisation")
    keys = jax.vmap(lambda i: jax.random.fold_in(root, i))(index)
    return jax.vmap(lambda key: jax.random.uniform(key, shape[1:]))(keys)
