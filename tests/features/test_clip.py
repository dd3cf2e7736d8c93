"""CLIP's half for images against PyTorch's own transformer layers, from a file of the public names."""

import jax
import numpy as np
import pytest
import torch

from genlab.errors import InputError
from genlab.features.clip import Clip, variables_of
from genlab.features.features import choose
from genlab.features.weights import Tensors

PATCH, SIDE, WIDTH, DEPTH, PROJECTION = 6, 18, 128, 2, 5
TOKENS = 1 + (SIDE // PATCH) ** 2


class Peer(torch.nn.Module):
    """Class token, positions, a norm, PyTorch's transformer, another norm, a projection."""

    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.token = torch.nn.Parameter(torch.randn(WIDTH))
        self.positions = torch.nn.Parameter(torch.randn(TOKENS, WIDTH))
        self.before, self.after = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)
        self.blocks = torch.nn.Sequential(
            *(
                torch.nn.TransformerEncoderLayer(
                    *(WIDTH, WIDTH // 64, 4 * WIDTH, 0.0),
                    activation=lambda x: x * torch.sigmoid(1.702 * x),
                    batch_first=True,
                    norm_first=True,
                )
                for _ in range(DEPTH)
            )
        )
        self.projection = torch.nn.Linear(WIDTH, PROJECTION, bias=False)
        for leaf in self.parameters():
            torch.nn.init.normal_(leaf, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), 1, -1), x], 1) + self.positions
        x = self.after(self.blocks(self.before(x))[:, 0])
        return torch.nn.functional.normalize(self.projection(x))

    def published(self) -> dict[str, np.ndarray]:
        """Its tensors under the public file's names, and some of what texts meet."""
        vision, found = "vision_model.", {}
        found["vision_model.embeddings.class_embedding"] = self.token
        for module, name in (
            (self.patches, f"{vision}embeddings.patch_embedding"),
            (self.before, f"{vision}pre_layrnorm"),
            (self.after, f"{vision}post_layernorm"),
            (self.projection, "visual_projection"),
        ):
            found |= {f"{name}.{k}": leaf for k, leaf in module.state_dict().items()}
        found[f"{vision}embeddings.position_embedding.weight"] = self.positions
        found[f"{vision}embeddings.position_ids"] = torch.arange(TOKENS)[None]
        for number, block in enumerate(self.blocks):
            name = f"{vision}encoder.layers.{number}"
            state = block.state_dict()
            for kind in ("weight", "bias"):
                whole = state[f"self_attn.in_proj_{kind}"]
                for part, leaf in zip("qkv", whole.chunk(3), strict=True):
                    found[f"{name}.self_attn.{part}_proj.{kind}"] = leaf
                for theirs, ours in (
                    ("self_attn.out_proj", "self_attn.out_proj"),
                    ("norm1", "layer_norm1"),
                    ("norm2", "layer_norm2"),
                    ("linear1", "mlp.fc1"),
                    ("linear2", "mlp.fc2"),
                ):
                    found[f"{name}.{ours}.{kind}"] = state[f"{theirs}.{kind}"]
        found["text_model.final_layer_norm.bias"] = torch.ones(2)
        found["text_projection.weight"] = torch.ones(2, 2)
        found["logit_scale"] = torch.ones(())
        return {name: leaf.detach().numpy() for name, leaf in found.items()}


def test_embedding_is_what_torch_makes_of_the_public_names():
    torch.manual_seed(0)
    peer = Peer()
    state = peer.published()
    network = Clip(PATCH, WIDTH, DEPTH, PROJECTION)
    variables = variables_of(network, Tensors("it", "", state), SIDE)
    x = np.random.default_rng(1).normal(size=(2, SIDE, SIDE, 3)).astype(np.float32)
    found, logits = jax.jit(network.apply)(variables, x)
    expected = peer(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).detach()
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    assert logits is None
    for wrong, message in (
        ({**state, "vision_model.head.bias": np.ones(2)}, "holds 'vision_model.head."),
        ({"visual_projection.weight": np.ones((2, 2))}, "it lacks 'vision_model."),
    ):
        with pytest.raises(InputError, match=message):
            variables_of(network, Tensors("it", "", wrong), SIDE)


def test_without_weights_it_says_where_they_are():
    told = "clip-vit-large-patch14-336/resolve/main/pytorch_model.bin and name it"
    with pytest.raises(InputError, match=told):
        choose("clip")
    with pytest.raises(InputError, match="clip-vit-base-patch32/"):
        choose(dict(name="clip", size="base"))
    with pytest.raises(InputError, match="size='bas'; did you mean 'base'"):
        choose(dict(name="clip", size="bas"))
