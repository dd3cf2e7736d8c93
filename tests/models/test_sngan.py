"""The networks of spectral normalisation: counts by hand, residual blocks, sizes that cannot be made."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.sndcgan import SndcganDiscriminator, SndcganGenerator
from genlab.models.sngan import SnganDiscriminator, SnganGenerator
from genlab.registry import models

KEY = jax.random.key(0)


def made(network, *shape):
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    return jax.eval_shape(network.init_with_output, KEY, x)


def count(network, *shape):
    _, variables = made(network, *shape)
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def conv(size, inputs, outputs):
    return size**2 * inputs * outputs + outputs


class TestCounts:
    """The paper's networks at 32 px, layer by layer."""

    def test_sngan(self):
        wide = conv(3, 256, 256)
        biases = 3 * 256  # of a block, which its norms take out
        block = 2 * wide + conv(1, 256, 256) + 2 * 2 * 256 - biases
        total = 129 * 16 * 256 + 3 * block + 2 * 256 + conv(3, 256, 3)
        assert count(SnganGenerator((32, 32, 3)), 2, 128) == total
        wide = conv(3, 128, 128)
        first = conv(3, 3, 128) + wide + conv(1, 3, 128)
        total = first + 2 * wide + conv(1, 128, 128) + 2 * 2 * wide + 129
        assert count(SnganDiscriminator((32, 32, 3)), 2, 32, 32, 3) == total

    def test_sndcgan(self):
        widths = [512, 256, 128, 64]
        ups = sum(conv(4, a, b) for a, b in itertools.pairwise(widths))
        total = 129 * 16 * 512 + ups + 2 * sum(widths) + conv(3, 64, 3)
        assert count(SndcganGenerator((32, 32, 3)), 2, 128) == total
        widths = [3, 64, 128, 128, 256, 256, 512, 512]
        sizes = [3, 4, 3, 4, 3, 4, 3]
        convs = sum(conv(*layer) for layer in zip(sizes, widths, widths[1:]))
        total = convs + 16 * 512 + 1
        assert count(SndcganDiscriminator((32, 32, 3)), 2, 32, 32, 3) == total

    def test_attention_and_other_sizes(self):
        """At 48 px; a layer of attention has C/8 twice, C/2 twice, and gamma."""
        sizes = dict(image_shape=(48, 48, 3), widths=(512, 256, 128, 64))
        plain = count(SnganGenerator(**sizes), 2, 128)
        seeing = count(SnganGenerator(**sizes, attention=(24,)), 2, 128)
        assert seeing - plain == 128 * (16 + 16 + 64 + 64) + 1
        sizes = dict(image_shape=(48, 48, 3), widths=(64, 128, 256, 512, 1024))
        network = SnganDiscriminator(**sizes, halvings=4, attention=(24,))
        logits, variables = made(network, 2, 48, 48, 3)
        assert logits.shape == (2,)
        assert {*variables["params"]} >= {"attention_0", "head"}


@pytest.mark.parametrize("name", ["sngan_discriminator", "sndcgan_discriminator"])
def test_logits_are_linear_in_the_features(name):
    small = dict(
        sngan_discriminator=dict(widths=(4,), halvings=1),
        sndcgan_discriminator=dict(width=2),
    )
    network = models.build(name, image_shape=(8, 8, 1), **small[name])
    x = jax.random.normal(KEY, (3, 8, 8, 1))
    logits, variables = network.init_with_output(KEY, x)
    features = network.apply(variables, x, method="features")
    head = variables["params"]["head"]
    np.testing.assert_allclose(
        logits, features @ head["kernel"][:, 0] + head["bias"], atol=1e-5
    )


def test_a_block_whose_convolutions_are_zero_is_its_shortcut():
    """The first block halves x, whose second adds relu's branch; here both are identities."""
    network = SnganDiscriminator((8, 8, 2), widths=(2, 2), halvings=1)
    x = jax.random.normal(KEY, (3, 8, 8, 2))
    params = jax.tree.map(jnp.zeros_like, network.init(KEY, x)["params"])
    params["block_0"]["shortcut"]["kernel"] = jnp.eye(2)[None, None]
    features = network.apply({"params": params}, x, method="features")
    means = np.asarray(x).reshape(3, 4, 2, 4, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(features, np.maximum(means, 0).sum((1, 2)), atol=1e-5)
    params["block_0"]["conv_1"]["bias"] = jnp.array([1.0, 2.0])
    features = network.apply({"params": params}, x, method="features")
    moved = means + np.array([1.0, 2.0])
    np.testing.assert_allclose(features, np.maximum(moved, 0).sum((1, 2)), atol=1e-5)


def test_sizes_that_cannot_be_made_are_refused():
    z = (2, 8)
    for network, shape, told in (
        (SnganGenerator((28, 28, 1)), z, "be halved 3 times .* multiples of 8 from 32"),
        (SnganGenerator((16, 16, 1)), z, "halved 3 times to 3 pixels or more"),
        (SnganGenerator((32, 32, 1), attention=(12,)), z, "of 12; they have 8, 16, 32"),
        (SnganDiscriminator((30, 30, 1)), (2, 30, 30, 1), "be halved 2 times"),
        (SnganDiscriminator((32, 32, 1)), (2, 16, 16, 1), "its image_shape is"),
        (SnganDiscriminator((32, 32, 1), (8,)), (2, 32, 32, 1), "halvings=2 needs"),
        (SndcganGenerator((28, 28, 1)), z, "multiples of 8, such as 32 or 48"),
        (SndcganDiscriminator((28, 28, 1)), (2, 28, 28, 1), "multiples of 8"),
        (SndcganDiscriminator((32, 32, 1)), (2, 16, 16, 1), "its image_shape is"),
    ):
        with pytest.raises(InputError, match=told):
            made(network, *shape)
