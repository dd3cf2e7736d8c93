"""StyleGAN2 against a direct loop, and its numbers of parameters as published."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.stylegan2 import Stylegan2Discriminator, Stylegan2Generator
from genlab.nn.equalized import EqualizedConv, EqualizedDense
from genlab.nn.modulated import ModulatedConv

KEY = jax.random.key(0)


def count(network, *shape):
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    params = jax.eval_shape(network.init, KEY, x)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_as_many_parameters_as_published_for_1024_px():
    """Config F for FFHQ, as its published code prints them: 30,370,060 and 29,012,513."""
    assert count(Stylegan2Generator((1024, 1024, 3)), 2, 512) == 30_370_060
    network = Stylegan2Discriminator((1024, 1024, 3))
    assert count(network, 4, 1024, 1024, 3) == 29_012_513


@pytest.mark.parametrize("demodulates", [True, False])
def test_modulated_convolution_is_that_with_a_kernel_for_each_example(demodulates):
    x, w = jax.random.normal(KEY, (2, 4, 4, 3)), jax.random.normal(KEY, (2, 5))
    layer = ModulatedConv(6, 3, demodulates)
    y, variables = layer.init_with_output(KEY, x, w)
    params = jax.tree.map(np.asarray, variables["params"])
    style = w @ params["style"]["kernel"] / np.sqrt(5) + params["style"]["bias"][None]
    np.testing.assert_array_equal(params["style"]["bias"], np.ones(3))
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for one in range(2):
        kernel = params["kernel"] / np.sqrt(27) * np.asarray(style)[one][:, None]
        if demodulates:
            kernel /= np.sqrt(np.square(kernel).sum((0, 1, 2)) + 1e-8)
        for i in range(4):
            for j in range(4):
                seen = padded[one, i : i + 3, j : j + 3]
                expected = np.einsum("abi,abio->o", seen, kernel)
                np.testing.assert_allclose(y[one, i, j], expected, atol=1e-5)


def test_doubling_keeps_a_constant_and_is_the_smoothed_transposed_convolution():
    """A kernel of one tap spreads each pixel over its four, and smoothing fills in what is between."""
    x = jnp.ones((1, 6, 6, 1))
    layer = ModulatedConv(1, 1, demodulates=False, doubles=True)
    variables = layer.init(KEY, x, jnp.zeros((1, 2)))
    variables["params"]["kernel"] = jnp.ones((1, 1, 1, 1))
    y = layer.apply(variables, x, jnp.zeros((1, 2)))
    assert y.shape == (1, 10, 10, 1)
    np.testing.assert_allclose(y, 1.0, atol=1e-6)
    wide = ModulatedConv(2, 3, doubles=True)
    assert wide.init_with_output(KEY, x, jnp.zeros((1, 2)))[0].shape == (1, 12, 12, 2)


def test_equalized_layers_are_scaled_when_they_run():
    x = jax.random.normal(KEY, (3, 4))
    layer = EqualizedDense(2, rate=0.01, bias=1.0)
    y, variables = layer.init_with_output(KEY, x)
    kernel, bias = variables["params"]["kernel"], variables["params"]["bias"]
    np.testing.assert_allclose(bias, [100.0, 100.0])
    np.testing.assert_allclose(y, x @ kernel * 0.01 / 2 + 1.0, rtol=1e-5)
    wide = EqualizedDense(400, rate=0.01).init(KEY, jnp.zeros((1, 400)))
    np.testing.assert_allclose(wide["params"]["kernel"].std(), 100.0, rtol=0.01)
    images = jnp.ones((1, 8, 8, 2))
    for size in (1, 3):
        conv = EqualizedConv(1, size, halves=True)
        y, variables = conv.init_with_output(KEY, images)
        kernel = variables["params"]["conv"]["kernel"]
        inner = kernel.sum() / np.sqrt(2 * size**2)
        assert y.shape == (1, 4, 4, 1)
        np.testing.assert_allclose(y[0, 1:3, 1:3, 0], inner, rtol=1e-5)


def test_training_draws_noise_and_styles_and_use_does_not():
    network = Stylegan2Generator(
        (8, 8, 1), width=4, mapping_layers=2, style_dim=6, mixing=0.5
    )
    z = jax.random.normal(KEY, (16, 3))
    use = jax.jit(network.apply, static_argnames=("method",))
    train = jax.jit(
        lambda *given, key: network.apply(*given, train=True, rngs={"params": key})
    )
    variables = jax.jit(network.init)(KEY, z)
    plain = use(variables, z)
    gap = np.abs(train(variables, z, key=KEY) - plain).max(axis=(1, 2, 3))
    assert 1 < (gap < 1e-6).sum() < 15  # noise has strength 0 yet: about half are mixed
    for name in ("conv_4_1", "conv_8_0", "conv_8_1"):
        variables["params"][name]["noise"] = jnp.array(1.0)
    noisy = train(variables, z, key=KEY)
    assert np.abs(noisy - train(variables, z, key=jax.random.key(1))).max() > 1e-3
    np.testing.assert_array_equal(noisy, train(variables, z, key=KEY))

    image = use(variables, z)
    rolled = use(variables, jnp.roll(z, 1, axis=0))
    np.testing.assert_allclose(rolled, jnp.roll(image, 1, axis=0), atol=1e-5)
    styles = use(variables, z, method="mapping")
    assert styles.shape == (16, network.styles, 6) == (16, 4, 6)
    np.testing.assert_allclose(
        styles, use(variables, 7 * z, method="mapping"), atol=1e-4
    )
    again = use(variables, styles, method="synthesis")
    np.testing.assert_allclose(image, again, atol=1e-5)


def test_discriminators_and_what_they_refuse():
    x = jax.random.normal(KEY, (4, 8, 8, 1))
    for knobs in (dict(), dict(architecture="plain", group=0)):
        network = Stylegan2Discriminator((8, 8, 1), width=4, **knobs)
        logits, variables = jax.jit(network.init_with_output)(KEY, x)
        assert logits.shape == (4,)
        assert ("skip_8" in variables["params"]) == (not knobs)
        rolled = jax.jit(network.apply)(variables, jnp.roll(x, 1, axis=0))
        np.testing.assert_allclose(rolled, jnp.roll(logits, 1), atol=1e-4)
    made = lambda network, *shape: jax.eval_shape(network.init, KEY, jnp.zeros(shape))
    for network, shape, told in (
        (Stylegan2Generator((12, 12, 1)), (2, 3), "power of two from 8, such as 32"),
        (Stylegan2Discriminator((28, 28, 1)), (2, 28, 28, 1), "power of two"),
        (Stylegan2Discriminator((8, 8, 1)), (2, 16, 16, 1), "its image_shape is"),
        (
            Stylegan2Discriminator((8, 8, 1), architecture="plane"),
            (2, 8, 8, 1),
            "'plane' is unknown; did you mean 'plain'",
        ),
    ):
        with pytest.raises(InputError, match=told):
            made(network, *shape)
