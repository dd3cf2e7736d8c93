"""The Inception-v3 of FID: the filter before it, its pools, its weights, and parity with a peer."""

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import fidelity, parity
from genlab.errors import InputError
from genlab.features import inception_network
from genlab.features.features import Features, choose
from genlab.features.inception import RELEASE, inception
from genlab.features.resize import tensorflow
from genlab.features.weights import sha256_of


def test_resize_is_tensorflows():
    """Grids that share a corner: known values, and no smoothing where an image shrinks."""
    row = jnp.array([0.0, 1.0, 4.0])[None, None, :, None]
    assert tensorflow(row, 1, 6).ravel().tolist() == [0, 0.5, 1, 2.5, 4, 4]
    column = jnp.arange(8.0)[None, :, None, None]
    assert tensorflow(column, 4, 1).ravel().tolist() == [0, 2, 4, 6]


def test_means_leave_out_what_lies_beyond_the_edge():
    x = jnp.arange(1.0, 10).reshape(1, 3, 3, 1)
    mean = inception_network._mean(x)[0, :, :, 0]
    assert mean[0, 0] == (1 + 2 + 4 + 5) / 4
    assert mean[1, 1] == 5
    assert inception_network._max(x)[0, 0, 0, 0] == 5


def test_without_weights_it_says_where_they_are_and_what_else_there_is():
    with pytest.raises(InputError) as refused:
        choose("inception")
    message = str(refused.value)
    for words in (RELEASE.url, "weights=PATH", "efficientnet_lite0", "name='run'"):
        assert words in message
    assert "\n" not in message
    with pytest.raises(InputError, match="layer=100 is none of 64, 192, 768, 2048"):
        choose(dict(name="inception", layer=100))


@pytest.fixture(scope="module")
def weights():
    with fidelity.random_weights() as path:
        yield path


@pytest.mark.full
@pytest.mark.skipif(not find_spec("torch_fidelity"), reason="extra 'parity'")
class TestParity:
    """Against torch-fidelity, on weights, statistics and biases that are drawn."""

    @pytest.mark.parametrize("layer", [64, 192, 768, 2048])
    def test_features_and_logits(self, weights, layer):
        import torch

        names = (str(layer), "logits_unbiased", "logits")[: 3 if layer == 2048 else 1]
        network = fidelity.peer(weights, *names)
        biased = layer == 2048
        features = inception(
            weights=str(weights),
            sha256=sha256_of(str(weights)),
            layer=layer,
            bias=biased,
        )
        assert features.name.startswith("inception_") and not features.original
        outputs = jax.jit(features.outputs)
        for height, width in ((299, 299), (32, 32), (17, 45), (301, 512)):
            shape = (2, height, width, 3)
            images = np.random.default_rng(height).integers(
                256, size=shape, dtype=np.uint8
            )
            found, logits = outputs(
                features.variables,
                features.input(jnp.asarray(images / 255, jnp.float32)),
            )
            with torch.inference_mode():
                theirs = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
            assert found.shape == (2, features.width)
            assert _gap(found, theirs[0]) < 1e-4
            if biased:
                assert _gap(logits, theirs[2]) < 1e-4
                kernel = features.variables["params"]["fc"]["kernel"]
                assert _gap(found @ kernel, theirs[1]) < 1e-4
            else:
                assert logits is None

    def test_metrics(self):
        """FID, KID, Inception score, precision and recall, of images that grow and that shrink."""
        with parity.weights() as path:
            ours, theirs = parity.ours(path), parity.theirs(path)
            for size in ((32, 32), (320, 360)):
                sets = parity.images(16, size)
                gaps = parity.gaps(ours(*sets), theirs(*sets))
                assert len(gaps) == 5 and max(gaps.values()) < 1e-3, (size, gaps)

    def test_program_takes_the_variables_as_arguments(self, weights):
        features = inception(
            weights=str(weights), sha256=sha256_of(str(weights)), layer=64
        )
        images = jnp.ones((1, 20, 20, 1))
        found, _ = jax.jit(Features.__call__)(features, images)
        np.testing.assert_allclose(found, features(images)[0], rtol=1e-4)


def _gap(ours, theirs) -> float:
    """Largest difference of a feature, in parts of the features' size."""
    theirs = theirs.numpy()
    return np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).mean()
