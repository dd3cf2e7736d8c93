"""R3GAN's networks: counts by hand, grouped convolutions apart, and how they start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.r3gan import GAIN, R3ganDiscriminator, R3ganGenerator
from genlab.nn.convolution import Conv
from genlab.nn.grouped import GroupedConv

KEY = jax.random.key(0)
SMALL = dict(widths=(8, 12), blocks=1, groups=4)


def count(network, *shape):
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    params = jax.eval_shape(network.init, KEY, x)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_counts_of_the_networks_for_cifar10():
    """Eight blocks: 1x1 to 1,536 channels, 96 groups of 16 in 3x3, two biases, 1x1 back."""
    block = 2 * 768 * 1536 + 96 * 9 * 16 * 16 + 2 * 1536
    shape = (32, 32, 3)
    total = 8 * block + 16 * 768 + 64 * 768 + 768 * 3
    assert count(R3ganGenerator(shape), 2, 64) == total
    total = 8 * block + 16 * 768 + 768 + 768 * 3
    assert count(R3ganDiscriminator(shape), 2, *shape) == total


def test_groups_are_convolutions_apart():
    x = jax.random.normal(KEY, (2, 5, 4, 6))
    y, variables = GroupedConv(9, 3, 3).init_with_output(KEY, x)
    kernel = variables["params"]["kernel"]
    assert kernel.shape == (3, 3, 3, 2, 3)
    for group in range(3):
        params = {"params": {"kernel": kernel[group]}}
        part = x[..., 2 * group : 2 * group + 2]
        alone = Conv(3, 3, use_bias=False).apply(params, part)
        np.testing.assert_allclose(y[..., 3 * group : 3 * group + 3], alone, atol=1e-5)
    with pytest.raises(InputError, match="groups=4 do not divide 6 channels"):
        GroupedConv(8, 3, 4).init(KEY, x)


def test_blocks_start_as_the_identity_with_weights_of_fixup():
    network = R3ganDiscriminator((8, 8, 1), widths=(64, 64), blocks=2, groups=1)
    x = jax.random.normal(KEY, (2, 8, 8, 1))
    logits, variables = network.init_with_output(KEY, x)
    block = variables["params"]["block_1_0"]
    assert not block["conv_2"]["kernel"].any()
    deviation = GAIN * 4**-0.25
    np.testing.assert_allclose(
        block["conv_0"]["kernel"].std(), deviation / 8, rtol=0.05
    )
    grouped = block["conv_1"]["kernel"].std()
    np.testing.assert_allclose(grouped, deviation / np.sqrt(9 * 128), rtol=0.05)
    params = variables["params"] | {"block_1_0": jax.tree.map(jnp.zeros_like, block)}
    np.testing.assert_array_equal(network.apply({"params": params}, x), logits)
    features = network.apply(variables, x, method="features")
    head = variables["params"]["head"]["kernel"][:, 0]
    np.testing.assert_allclose(logits, features @ head, atol=1e-5)


def test_images_have_the_size_of_the_stages():
    z = jax.random.normal(KEY, (2, 3))
    network = R3ganGenerator((8, 8, 2), **SMALL)
    assert network.init_with_output(KEY, z)[0].shape == (2, 8, 8, 2)
    told = "2 stages .* make images of 8 x 8, .* data.image_size=8"
    for network, shape in (
        (R3ganGenerator((16, 16, 1), **SMALL), (2, 3)),
        (R3ganDiscriminator((12, 12, 1), **SMALL), (2, 12, 12, 1)),
    ):
        with pytest.raises(InputError, match=told):
            jax.eval_shape(network.init, KEY, jnp.zeros(shape))
