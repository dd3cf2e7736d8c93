"""Features by name: what they are of, what they say of themselves, and what they refuse."""

import re

import jax
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.features.checksum import checksum
from genlab.features.features import Features, choose


def images(count=2, size=(13, 15), channels=3, seed=0):
    shape = (count, *size, channels)
    return np.random.default_rng(seed).uniform(size=shape).astype(np.float32)


class TestProtocol:
    @pytest.mark.parametrize(
        "choice", ["pixels", dict(name="random", width=24, size=8)], ids=str
    )
    def test_sizes_are_as_announced_for_any_images(self, choice):
        features = choose(choice)
        for given in (images(), images(size=(40, 8)), images(channels=1)):
            found, logits = features(given)
            assert found.shape == (2, features.width)
            assert found.dtype == np.float32
            assert logits is None and features.classes == 0

    def test_pixels_of_their_size_are_themselves(self):
        given = images(size=(4, 4))
        features = choose(dict(name="pixels", size=4))
        np.testing.assert_array_equal(features(given)[0], given.reshape(2, -1))
        assert features.protocol == {
            "features": "pixels",
            "checksum": "",
            "layer": "pixels",
            "input": "4 x 4",
            "resize": "bilinear, antialiased",
            "channels": "RGB, gray repeated",
            "range": "[0, 1]",
            "rounding": "none",
        }

    def test_gray_is_its_own_colour_and_the_protocol_says_so(self):
        features = choose(dict(name="random", width=8, size=8))
        gray = images(channels=1)
        colour = np.repeat(gray, 3, axis=-1)
        np.testing.assert_allclose(features(gray)[0], features(colour)[0], rtol=1e-5)
        assert features.protocol["channels"] == "RGB, gray repeated"
        with pytest.raises(InputError, match=r"gray \(1\) or RGB \(3\), not \(2, 13, "):
            features(images(channels=4))

    def test_a_random_network_is_its_seed(self):
        one, same, other = (
            choose(dict(name="random", width=8, size=8, seed=seed))
            for seed in (0, 0, 1)
        )
        assert one.checksum == same.checksum != other.checksum
        np.testing.assert_array_equal(one(images())[0], same(images())[0])
        assert np.abs(one(images())[0] - other(images())[0]).max() > 0.01

    def test_products_are_of_float32_on_every_platform(self):
        features = choose(dict(name="random", width=8, size=8))
        traced = jax.jit(Features.__call__).trace(features, images(size=(8, 8)))
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        products = re.findall(
            r"stablehlo\.convolution.*|stablehlo\.dot_general.*", text
        )
        assert len(products) == 3
        assert all("HIGHEST" in product for product in products), products

    def test_unknown_features(self):
        with pytest.raises(InputError, match="unknown features 'pixel'; did you mean"):
            choose("pixel")


def test_checksum_tells_variables_apart():
    leaves = {"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}
    assert len(checksum(leaves)) == 12
    assert checksum(leaves) == checksum({name: leaves[name] for name in "ba"})
    nudged = {**leaves, "b": np.nextafter(leaves["b"], 2)}
    reshaped = {**leaves, "a": leaves["a"].reshape(3, 2)}
    assert len({checksum(tree) for tree in (leaves, nudged, reshaped)}) == 3
