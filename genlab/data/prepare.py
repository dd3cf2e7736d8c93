"""From raw examples to what a network sees, on the device, inside the compiled step."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab.data.augment import augmentations
from genlab.data.dataset import Dataset
from genlab.data.degrade import degradations
from genlab.data.levels import lie_on, some_bytes
from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.registry import Registry

Array = jax.Array

BINARIZE = ("none", "dynamic", "fixed")


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How a raw batch becomes a training or evaluation batch.

    Order: pixels to [0, 1], augmentation (training only), degradation, binarisation, range.
    Augmentations, degradations and dynamic binarisation are drawn per example from the call's key.

    Where an example has images of two domains, `x` and `y`, both are augmented by the same draws, so
    that a pair stays a pair. A degradation makes pairs of any images: `y` is the image and `x` what
    is left of it.

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
      degrade: name of a degradation, or a dict of `name` and knobs; None for none.

    Raises:
      InputError: an unknown binarisation, augmentation or degradation, or an unknown knob of one.
    """

    value_range: tuple[float, float] = (0.0, 1.0)
    binarize: str = "none"
    augment: tuple[str | Mapping[str, Any], ...] = ()
    degrade: str | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.binarize not in BINARIZE:
            raise InputError(
                f"unknown binarisation {self.binarize!r}{suggest(self.binarize, BINARIZE)}"
            )
        edges = self.value_range
        if len(edges) != 2 or not all(type(edge) in (int, float) for edge in edges):
            raise InputError(
                f"value_range {edges} needs two numbers, (0, 1) or (-1, 1)"
            )
        if not -1 <= edges[0] < edges[1] <= 1:
            raise InputError(
                f"value_range {edges} is not from a lower to a higher number within [-1, 1], as"
                " networks and losses take images: (0, 1) or (-1, 1)"
            )
        if self.augment and self.binarize == "fixed":
            raise InputError(
                "binarize='fixed' gives an example the same pixels always and cannot be"
                " augmented; use 'dynamic' or no augmentation"
            )
        if self.degrade is not None and self.binarize != "none":
            raise InputError(
                f"binarize={self.binarize!r} makes no pairs; a degradation needs binarize='none'"
            )
        self._augmentations()
        if self.degrade is not None:
            _bound(degradations, self.degrade)

    def __call__(self, raw: Mapping[str, Array], key: Array, train: bool) -> dict:
        """The batch that a network sees.

        Args:
          raw: `x: [B, H, W, C]` uint8 or `[B, D]` float32, `y: [B, H, W, C]` uint8 where there is
            a second domain, `index: [B]` int32 where binarisation is fixed; other leaves pass
            unchanged.
          key: this use's key.
          train: whether to augment.

        Returns:
          `x: [B, H, W, C]` float32 in value_range, or the points `[B, D]` unchanged, `y` in the
          same range where there is one, and the other leaves.

        Raises:
          InputError: points with a binarisation, augmentation or degradation, which are for images;
            two domains with a binarisation or degradation, or augmented at two sizes.
        """
        if raw["x"].dtype != jnp.uint8:
            if self.binarize != "none" or self.augment or self.degrade is not None:
                raise InputError(
                    f"examples of shape {raw['x'].shape[1:]} and type {raw['x'].dtype} are"
                    " points; binarize, augment and degrade are for images"
                )
            return dict(raw)
        images = {
            name: raw[name].astype(jnp.float32) / 255
            for name in ("x", "y")
            if name in raw
        }
        self._check_domains(images)
        if train:
            images = self._augment(images, key)
        x = images["x"]
        if self.degrade is not None:
            degrade = _bound(degradations, self.degrade)
            keys = rng.examples(rng.fold(key, "degrade"), x.shape[0])
            images = {"x": jax.vmap(degrade)(x, keys), "y": x}
        elif self.binarize == "dynamic":
            drawn = rng.bernoulli(rng.fold(key, "binarize"), x, x.shape)
            images["x"] = drawn.astype(jnp.float32)
        elif self.binarize == "fixed":
            images["x"] = (_fixed_noise(raw["index"], x.shape) < x).astype(jnp.float32)
        low, high = self.value_range
        return {**raw, **{name: low + (high - low) * x for name, x in images.items()}}

    def levels(self, dataset: Dataset) -> tuple[int, ...]:
        """How many levels the numbers of prepared examples may be said to have; none for real numbers."""
        if not dataset.is_image:
            return ()
        if self.binarize != "none":
            return (2,)
        bytes_ = some_bytes(dataset)
        counts = range(2, 257)
        if bytes_ is None:
            return tuple(counts)
        return tuple(count for count in counts if lie_on(bytes_ / 255, count))

    def outcome(self, dataset: Dataset) -> Dataset:
        """The data set with the shapes that a degradation gives its examples.

        Raises:
          InputError: two domains as calling refuses them, or a degradation that does not fit the
            images.
        """
        dtype = jnp.uint8 if dataset.is_image else jnp.float32
        raw = {"x": jax.ShapeDtypeStruct((1, *dataset.example_shape), dtype)}
        if dataset.target_shape:
            raw["y"] = jax.ShapeDtypeStruct((1, *dataset.target_shape), jnp.uint8)
        self._check_domains(raw)
        if self.degrade is None:
            return dataset
        batch = jax.eval_shape(
            lambda raw: self(raw, jax.random.key(0), train=False), raw
        )
        return dataclasses.replace(
            dataset,
            example_shape=batch["x"].shape[1:],
            target_shape=batch["y"].shape[1:],
            paired=True,
        )

    def _check_domains(self, images: Mapping[str, Array]) -> None:
        if "y" not in images:
            return
        if self.binarize != "none" or self.degrade is not None:
            raise InputError(
                "binarize and degrade are for images of one domain; this data set has two"
            )
        x, y = (images[name].shape[1:3] for name in ("x", "y"))
        if self.augment and x != y:
            raise InputError(
                f"a pair of images {x} and {y} cannot be augmented alike; bring both to one"
                " size, or use no augmentation"
            )

    def _augment(self, images: dict[str, Array], key: Array) -> dict[str, Array]:
        for position, augmentation in enumerate(self._augmentations()):
            streams = rng.examples(
                rng.fold(key, f"augment/{position}"), images["x"].shape[0]
            )
            images = {
                name: jax.vmap(augmentation)(x, streams) for name, x in images.items()
            }
        return images

    def _augmentations(self) -> list[Callable[[Array, Array], Array]]:
        return [_bound(augmentations, entry) for entry in self.augment]


def _bound(
    registry: Registry, choice: str | Mapping[str, Any]
) -> Callable[[Array, Array], Array]:
    """The part that a name, or a dict of `name` and knobs, chooses."""
    if not isinstance(choice, str) and "name" not in choice:
        example = next(iter(registry))
        raise InputError(
            f"{registry.kind} {dict(choice)} needs a name, as in dict(name={example!r})"
        )
    return registry.choose(choice)


def _fixed_noise(index: Array, shape: tuple[int, ...]) -> Array:
    """Uniform draws `[B, H, W, C]` that depend on each example's index alone."""
    root = rng.stream(0, "fixed binarisation")
    keys = rng.numbered(root, index)
    return jax.vmap(lambda key: jax.random.uniform(key, shape[1:]))(keys)
