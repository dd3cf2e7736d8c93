"""Pixels as features: what a distance says that looks at nothing else."""

import jax

from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.numbers import Count
from genlab.registry import features

Array = jax.Array


@features.register
def pixels(*, size: Count = 16, color: bool = True) -> Features:
    """The pixels themselves, made small: no network, so a row to hold others against.

    Args:
      size: side that images are brought to.
      color: whether they keep their color; else their luminance is taken.
    """
    channels = 3 if color else 1
    input = ImageInput(size=(size, size), channels=channels)
    width = size * size * channels
    return Features("pixels", "", input, "pixels", width, 0, {}, _flat)


def _flat(variables: dict, images: Array) -> tuple[Array, None]:
    del variables
    return images.reshape(images.shape[0], -1), None
