"""What features are: a function of images by name, and everything that its values depend on."""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax

from genlab.features.image_input import ImageInput
from genlab.game.precision import exact_products
from genlab.registry import features as registry

Array = jax.Array
PyTree = Any
Outputs = tuple[Array, Array | None]


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["variables"],
    meta_fields=[
        "name",
        "checksum",
        "input",
        "layer",
        "width",
        "classes",
        "outputs",
        "original",
        "choice",
    ],
)
@dataclass(frozen=True, eq=False)
class Features:
    """A fixed function from images to features, and to logits where it has classes.

    It is a pytree of its variables, so `jax.jit(Features.__call__)(features, images)` has them as
    arguments, and `jax.device_put(features)` brings them to the devices once; a program that holds a
    large network's as constants is as large itself.

    Attributes:
      name: what metrics that use it are called after.
      checksum: of its variables, 12 hexadecimal digits of their SHA-256; "" where it has none.
      input: how images come to it.
      layer: where in the network the features are read.
      width: how many features an image has.
      classes: how many logits, 0 where there are none.
      variables: weights and statistics, NumPy arrays.
      outputs: of variables and prepared images, features and logits.
      original: whether FID is the Frechet distance in these features: the original weights of
        Inception-v3, at its pool. In any other the distance says its features, `frechet_NAME`.
      choice: how a config chose it, as JSON.
    """

    name: str
    checksum: str
    input: ImageInput
    layer: str
    width: int
    classes: int
    variables: PyTree = field(repr=False)
    outputs: Callable[[PyTree, Array], Outputs]
    original: bool = False
    choice: str = ""

    @property
    def protocol(self) -> dict[str, Any]:
        """What a number that was measured in these features depends on."""
        return {
            "features": self.name,
            "checksum": self.checksum,
            "layer": self.layer,
            **self.input.protocol,
        }

    @exact_products
    def __call__(self, images: Array) -> Outputs:
        """Features and logits of images; may be traced, and is compiled by whoever calls it.

        Args:
          images: [B, H, W, C] float32 in [0, 1], C 1 or 3, of any size.

        Returns:
          Features [B, width] and logits [B, classes], both float32; None where there are no classes.

        Raises:
          InputError: images that are neither gray nor RGB.
        """
        return self.outputs(self.variables, self.input(images))


def choose(choice: str | Mapping[str, Any]) -> Features:
    """The features that a config chose, a name or `dict(name=..., knob=...)`.

    Raises:
      InputError: unknown features or knobs, or weights that are missing or others.
    """
    chosen = choice if isinstance(choice, str) else dict(choice)
    return dataclasses.replace(registry.choose(choice)(), choice=json.dumps(chosen))
