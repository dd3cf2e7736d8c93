"""Files of weights: the published one, altered and forged ones, and others."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from genlab.errors import InputError
from genlab.features.checksum import checksum
from genlab.features.weights import Release, Tensors, sha256_of

RELEASE = Release("a network", "https://example.org/it.pth", "0" * 64, "'pixels'")


@pytest.fixture
def published(tmp_path):
    """A published file of two tensors, and its release."""
    path = tmp_path / "it.pth"
    torch.save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return str(path), replace(RELEASE, sha256=digest)


def test_published_weights(published):
    path, release = published
    found = release.read(path)
    np.testing.assert_array_equal(found.take("a", (2, 3)), np.arange(6).reshape(2, 3))


def test_altered_and_forged_weights_are_refused(published, tmp_path):
    """A file says of itself what it likes; its checksum alone decides."""
    path, release = published
    arrays = {"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}
    claims = {"source_sha256": release.sha256, "tensors": checksum(arrays)}
    forged = str(tmp_path / "forged.safetensors")
    save_file(arrays, forged, claims)
    whole = bytearray(Path(path).read_bytes())
    whole[-200] ^= 1
    Path(path).write_bytes(whole)
    for file in (path, forged):
        with pytest.raises(InputError, match="has the checksum .*; take http"):
            release.read(file)


def test_other_weights_are_taken_by_their_checksum_alone(published, tmp_path):
    path, release = published
    with pytest.raises(
        InputError, match=f"features with sha256='{release.sha256}' take"
    ):
        RELEASE.read(path, "")
    assert RELEASE.read(path, release.sha256.upper()).sha256 == release.sha256
    plain = str(tmp_path / "plain.safetensors")
    save_file({"a": np.ones(2, np.float32)}, plain)
    with pytest.raises(InputError, match="under a name of its own"):
        release.read(plain, "")
    assert list(release.read(plain, sha256_of(plain)).arrays) == ["a"]
    assert list(load_file(plain)) == ["a"]


def test_no_file_and_no_weights(tmp_path):
    with pytest.raises(InputError, match="nothing is downloaded: get https://example"):
        RELEASE.read("")
    with pytest.raises(InputError, match="cannot be read"):
        RELEASE.read(str(tmp_path / "none.pth"))
    text = tmp_path / "text.pth"
    text.write_text("weights")
    with pytest.raises(InputError, match="neither of torch.save nor of safetensors"):
        RELEASE.read(str(text), sha256_of(str(text)))


def test_tensors_of_another_network():
    tensors = Tensors("it", "", {"a": np.ones((2, 3)), "b": np.ones(4)})
    with pytest.raises(InputError, match="it lacks 'c'"):
        tensors.take("c", (1,))
    with pytest.raises(InputError, match=r"shape \(2, 3\), not \(3, 2\)"):
        tensors.take("a", (3, 2))
    tensors.take("a", (2, 3))
    with pytest.raises(
        InputError, match="it holds 'b', which the network does not have"
    ):
        tensors.finish()


def test_a_batch_norm_becomes_part_of_its_convolution():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(2, 3, (1, 3), bias=False)
    norm = torch.nn.BatchNorm2d(3, eps=0.01).eval()
    for leaf in (norm.weight, norm.bias, norm.running_mean):
        torch.nn.init.normal_(leaf)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    module = torch.nn.ModuleDict({"conv": layer, "bn": norm})
    arrays = {name: x.detach().numpy() for name, x in module.state_dict().items()}
    tensors = Tensors("it", "", arrays)
    found = tensors.normed("conv", "bn", (1, 3, 2, 3), 0.01)
    tensors.finish()
    patch = torch.randn(1, 2, 1, 3)
    expected = norm(layer(patch)).detach().numpy().ravel()
    ours = np.einsum("chw,hwcf->f", patch[0].numpy(), found["kernel"]) + found["bias"]
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
