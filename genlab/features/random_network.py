"""A convolutional network that never learned anything, as features."""

import itertools

import jax
import numpy as np

from genlab.features.checksum import checksum
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.nn import lowering
from genlab.nn.products import Geometry
from genlab.numbers import Count, Seed
from genlab.registry import features

Array = jax.Array


@features.register(name="random")
def random_network(*, width: Count = 512, size: Count = 32, seed: Seed = 0) -> Features:
    """Three random convolutions and their mean over the image: what no training is needed for.

    Args:
      width: features of an image, channels of the last convolution.
      size: side that images are brought to.
      seed: of the weights.

    Paper: Naeem et al. 2020, arXiv:2002.09797, in a smaller network
    """
    generator = np.random.default_rng(seed)
    depths = (3, 64, 128, width)
    kernels = {
        f"conv_{i}": _he(generator, (3, 3, fan_in, fan_out))
        for i, (fan_in, fan_out) in enumerate(itertools.pairwise(depths))
    }
    input = ImageInput(size=(size, size), low=(-1.0,))
    return Features(
        "random",
        checksum(kernels),
        input,
        "mean of the last convolution",
        width,
        0,
        kernels,
        _outputs,
    )


def _he(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return (scale * generator.standard_normal(shape)).astype(np.float32)


def _outputs(kernels: dict[str, np.ndarray], images: Array) -> tuple[Array, None]:
    for kernel in kernels.values():
        size = images.shape[1:3]
        pads = tuple((1, side % 2) for side in size)
        geometry = Geometry(size, (3, 3), (2, 2), pads, (1, 1))
        images = jax.nn.relu(lowering.convolve(images, kernel, geometry=geometry))
    return images.mean((1, 2)), None
