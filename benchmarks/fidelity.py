"""torch-fidelity's Inception-v3 beside genlab's, with the same random weights, on 8 images of 299 px.

A peer of the benchmark and of the parity tests. It wants torchvision, which it uses for data sets and
other networks; where that cannot be imported, a stand-in lets torch-fidelity be.
"""

import contextlib
import importlib.abc
import importlib.machinery
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from genlab.features.features import Features
from genlab.features.inception import inception
from genlab.features.inception_network import CLASSES, SIDE, Inception
from genlab.features.weights import sha256_of

Run = Callable[[int], None]

BATCH = 8
WIDTH = 2048  # of the features before the logits


def genlab(_: str) -> Run:
    """Features and logits, from images in [0, 1]."""
    with random_weights() as path:
        features = inception(weights=str(path), sha256=sha256_of(str(path)))
    images = jnp.asarray(_images() / 255, jnp.float32)
    compiled = jax.jit(Features.__call__)

    def run(batches: int) -> None:
        for _ in range(batches):
            jax.block_until_ready(compiled(features, images))

    return run


def torch_fidelity(_: str) -> Run:
    """Features and logits, from uint8."""
    import torch

    with random_weights() as path:
        network = peer(path, "2048", "logits_unbiased")
    images = torch.from_numpy(_images().transpose(0, 3, 1, 2).copy())

    def run(batches: int) -> None:
        with torch.inference_mode():
            for _ in range(batches):
                network(images)

    return run


@contextlib.contextmanager
def random_weights(seed: int = 0) -> Iterator[Path]:
    """A file of `torch.save` with all tensors of the network: kernels, statistics and biases drawn."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        state = {name: torch.from_numpy(x) for name, x in random_state(seed).items()}
        torch.save(state, path)
        yield path


def random_state(seed: int = 0, layer: int = WIDTH) -> dict[str, np.ndarray]:
    """Tensors under the public file's names, of the network up to a layer, and of its logits."""
    generator = np.random.default_rng(seed)
    images = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
    network = Inception(layer=layer)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    logits = {"kernel": jax.ShapeDtypeStruct((WIDTH, CLASSES), jnp.float32)}
    found = {"fc.bias": generator.normal(size=CLASSES)}
    for name, leaves in {**shapes, "fc": logits}.items():
        *size, inputs, outputs = leaves["kernel"].shape
        kernel = generator.normal(size=(outputs, inputs, *size))
        kernel *= np.sqrt(2 / (inputs * np.prod(size)))
        if name == "fc":
            found["fc.weight"] = kernel
            continue
        found[f"{name}.conv.weight"] = kernel
        found[f"{name}.bn.weight"] = generator.uniform(0.5, 1.5, outputs)
        found[f"{name}.bn.bias"] = generator.normal(scale=0.3, size=outputs)
        found[f"{name}.bn.running_mean"] = generator.normal(scale=0.3, size=outputs)
        found[f"{name}.bn.running_var"] = generator.uniform(0.5, 1.5, outputs)
    return {name: x.astype(np.float32) for name, x in found.items()}


def peer(weights: Path, *layers: str):
    """torch-fidelity's network, a torch module of uint8 images [B, 3, H, W] to a tuple of `layers`.

    Raises:
      ImportError: it is not installed.
    """
    with torchvision_or_stand_in():
        from torch_fidelity.feature_extractor_inceptionv3 import (
            FeatureExtractorInceptionV3,
        )

    return FeatureExtractorInceptionV3(
        "peer", list(layers), feature_extractor_weights_path=str(weights)
    )


@contextlib.contextmanager
def torchvision_or_stand_in() -> Iterator[None]:
    """Inside, `import torchvision` gives modules whose every name is an empty class, where the
    package is not there or, built for another PyTorch, fails."""
    try:
        importlib.import_module("torchvision")
    except Exception:  # noqa: BLE001 - whatever it does where its operators are missing
        _forget_torchvision()
        sys.meta_path.insert(0, finder := _StandIn())
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            _forget_torchvision()
    else:
        yield


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _Names(spec.name)

    def exec_module(self, module):
        pass


class _Names(types.ModuleType):
    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _images() -> np.ndarray:
    shape = (BATCH, SIDE, SIDE, 3)
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
