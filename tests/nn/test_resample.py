"""Doubling and halving of images, and attention between pixels, against other ways to compute them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.models.dcgan import DcganGenerator
from genlab.nn.attention import SelfAttention
from genlab.nn.resample import bilinear, blurred, halved, nearest

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (2, 4, 6, 3))


@pytest.mark.parametrize(
    ("ours", "method"), [(nearest, "nearest"), (bilinear, "bilinear")]
)
def test_doubling_is_that_of_jax(ours, method):
    np.testing.assert_allclose(
        ours(X), jax.image.resize(X, (2, 8, 12, 3), method), atol=1e-6
    )


def test_halving_undoes_the_repeating():
    np.testing.assert_allclose(halved(nearest(X)), X, atol=1e-6)


def test_blur_of_a_point_is_the_filter():
    point = jnp.zeros((1, 5, 5, 1)).at[0, 2, 2, 0].set(1.0)
    found = blurred(point, 1, 2)
    row = np.array([1, 3, 3, 1, 0]) / 8
    np.testing.assert_allclose(found[0, :, :, 0], np.outer(row, row), atol=1e-7)


def test_attention_starts_as_the_identity_and_is_its_formula():
    x = jax.random.normal(KEY, (2, 4, 4, 16))
    layer = SelfAttention()
    y, variables = layer.init_with_output(KEY, x)
    np.testing.assert_array_equal(y, x)
    params = {**variables["params"], "gamma": jnp.array(0.5)}
    y = layer.apply({"params": params}, x)
    weights = {
        name: np.asarray(params[name]["kernel"][0, 0])
        for name in ("query", "key", "value", "out")
    }
    assert [weights[n].shape[1] for n in ("query", "key", "value")] == [2, 2, 8]

    def pooled(y):
        return y.reshape(2, 2, 2, 2, -1).max(axis=(1, 3)).reshape(4, -1)

    for one in range(2):
        pixels = np.asarray(x[one])
        keys, values = (
            pooled(pixels @ weights["key"]),
            pooled(pixels @ weights["value"]),
        )
        scores = (pixels @ weights["query"]).reshape(16, 2) @ keys.T
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        seen = (shares @ values @ weights["out"]).reshape(4, 4, 16)
        np.testing.assert_allclose(y[one], pixels + 0.5 * seen, atol=1e-5)


@pytest.mark.parametrize(
    ("upsampling", "even"), [("bilinear", True), ("transposed", False)]
)
def test_dcgan_without_a_checkerboard(upsampling, even):
    """Of one latent at every pixel of the 4x4 map the inner pixels are all alike."""
    network = DcganGenerator((8, 8, 1), width=2, upsampling=upsampling)
    variables = network.init(KEY, jnp.ones((1, 3)))
    params = variables["params"]
    first = params["conv_0"]["kernel"]
    params["conv_0"]["kernel"] = jnp.broadcast_to(first[:1, :1], first.shape)
    y = network.apply(variables, jnp.ones((1, 3)))[0, 3:5, 3:5, 0]
    assert (np.ptp(np.asarray(y)) < 1e-6) == even
