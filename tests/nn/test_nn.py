"""Normalisation, dropout and activations against hand-made numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.game import parallel
from genlab.nn.activation import activation
from genlab.nn.dropout import Dropout
from genlab.nn.norm import BatchNorm, InstanceNorm
from genlab.registry import models

KEY = jax.random.key(0)


def test_batch_norm_in_training_and_after():
    """Channel values 1, 3, 5, 7: mean 4, biased variance 5."""
    x = jnp.array([[1.0], [3.0], [5.0], [7.0]])
    layer = BatchNorm(momentum=0.75, epsilon=0.0)
    variables = layer.init(KEY, x)
    y, updates = layer.apply(variables, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, (x - 4) / np.sqrt(5), rtol=1e-6)
    np.testing.assert_allclose(updates["batch_stats"]["mean"], [0.25 * 4])
    np.testing.assert_allclose(updates["batch_stats"]["var"], [0.75 + 0.25 * 5])
    y = layer.apply(variables | updates, x)
    np.testing.assert_allclose(y, (x - 1) / np.sqrt(2), rtol=1e-6)


def test_batch_norm_init_leaves_statistics_alone():
    x = jnp.full((4, 2), 3.0)
    statistics = BatchNorm().init(KEY, x, train=True)["batch_stats"]
    np.testing.assert_array_equal(statistics["mean"], [0, 0])
    np.testing.assert_array_equal(statistics["var"], [1, 1])


def test_batch_norm_gradient_is_that_of_the_definition():
    x = jax.random.normal(KEY, (5, 2, 2, 3)) + 2
    layer = BatchNorm()
    variables = layer.init(KEY, x)
    scale, bias = jnp.array([1.0, -2.0, 0.5]), jnp.array([0.0, 1.0, 2.0])

    def ours(x, scale, bias):
        own = variables | {"params": {"scale": scale, "bias": bias}}
        y, _ = layer.apply(own, x, train=True, mutable=["batch_stats"])
        return jnp.sin(y).sum()

    def definition(x, scale, bias):
        flat = x.reshape(-1, 3)
        centred = flat - flat.mean(0)[None]
        deviation = jnp.sqrt(jnp.square(centred).mean(0) + 1e-5)
        return jnp.sin(centred / deviation[None] * scale[None] + bias[None]).sum()

    computed = jax.grad(ours, (0, 1, 2))(x, scale, bias)
    expected = jax.grad(definition, (0, 1, 2))(x, scale, bias)
    for a, b in zip(computed, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_batch_norm_at_a_mean_of_thirty_deviations():
    x = 30 + jnp.tile(jnp.array([[-1.0], [1.0]]), (512, 1))
    layer = BatchNorm(epsilon=0.0)
    variables = layer.init(KEY, x)
    y, _ = layer.apply(variables, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, x - 30, rtol=1e-4)


def test_batch_norm_and_dropout_are_global_under_pmap():
    x = jax.random.normal(KEY, (4, 3, 2))
    norm, dropout = BatchNorm(), Dropout(0.5)
    variables = norm.init(KEY, x)

    def apply(x):
        y, updates = norm.apply(variables, x, train=True, mutable=["batch_stats"])
        return dropout.apply({}, y, train=True, rngs={"dropout": KEY}), updates

    def share(x):
        with parallel.mapped():
            return apply(x)

    whole, updates = apply(x)
    shares, share_updates = jax.pmap(share, axis_name=parallel.BATCH)(
        x.reshape(2, 2, 3, 2)
    )
    np.testing.assert_allclose(shares.reshape(x.shape), whole, atol=1e-6)
    for one, many in zip(
        jax.tree.leaves(updates), jax.tree.leaves(share_updates), strict=True
    ):
        np.testing.assert_allclose(many[1], one, atol=1e-6)


def test_batch_norm_keeps_bfloat16_and_float32_statistics():
    x = jnp.ones((4, 2), jnp.bfloat16)
    y, variables = BatchNorm().init_with_output(KEY, x)
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_of_each_image(affine):
    x = np.random.default_rng(0).normal(5, 3, (2, 4, 4, 3)).astype(np.float32)
    y, variables = InstanceNorm(affine=affine).init_with_output(KEY, x)
    assert ("params" in variables) is affine
    for image in range(2):
        for channel in range(3):
            one = x[image, ..., channel]
            expected = (one - one.mean()) / np.sqrt(one.var() + 1e-5)
            np.testing.assert_allclose(y[image, ..., channel], expected, atol=1e-5)


def test_instance_norm_scales_and_shifts_channels():
    x = jax.random.normal(KEY, (2, 4, 4, 2))
    params = {"params": {"scale": jnp.array([2.0, 0.0]), "bias": jnp.array([0.0, 7.0])}}
    plain = InstanceNorm(affine=False).apply({}, x)
    y = InstanceNorm().apply(params, x)
    np.testing.assert_allclose(y[..., 0], 2 * plain[..., 0], atol=1e-5)
    np.testing.assert_allclose(y[..., 1], 7, atol=1e-5)


def test_dropout_keeps_the_mean_and_draws_per_example():
    x = jnp.ones((8, 4000))
    layer = Dropout(0.25)
    y = layer.apply({}, x, train=True, rngs={"dropout": KEY})
    np.testing.assert_allclose(sorted(set(np.ravel(y))), [0, 4 / 3], rtol=1e-6)
    # 4 standard errors of a mean of 32,000 draws
    np.testing.assert_allclose(y.mean(), 1, atol=4 * np.sqrt(1 / 3 / x.size))
    assert not np.array_equal(y[0], y[1])
    half = layer.apply({}, x[:4], train=True, rngs={"dropout": KEY})
    np.testing.assert_array_equal(half, y[:4])
    np.testing.assert_array_equal(layer.apply({}, x), x)


def test_dropout_of_none_draws_nothing_and_refuses_no_rate():
    x = jnp.ones((2, 3))
    np.testing.assert_array_equal(Dropout(None).apply({}, x, train=True), x)
    with pytest.raises(InputError, match=r"dropout=1.5 is outside \[0, 0.99\]"):
        Dropout(1.5).apply({}, x, train=True, rngs={"dropout": KEY})


@pytest.mark.parametrize("name", ["dense_classifier", "mean_field_classifier"])
def test_classifiers_drop_out_as_expected(name):
    """Masks of the example and of the units scatter the logits around those without masks."""
    module = models.find(name)
    shape = dict(example_shape=(4,)) if name == "mean_field_classifier" else {}
    build = lambda **rates: module(num_classes=3, widths=(6, 5), **shape, **rates)
    x = jnp.asarray(np.random.default_rng(0).uniform(size=(1, 4)), jnp.float32)
    params = build().init(KEY, x)
    plain = build().apply(params, x)
    np.testing.assert_array_equal(
        build(dropout=0.5, input_dropout=0.5).apply(params, x), plain
    )
    many = jnp.repeat(x, 20_000, axis=0)
    for rates in (dict(dropout=0.5), dict(input_dropout=0.5)):
        noisy = build(**rates).apply(params, many, train=True, rngs={"dropout": KEY})
        assert np.std(noisy, axis=0).min() > 1e-3, rates
        np.testing.assert_allclose(noisy.mean(0), plain[0], atol=0.05)


def test_dropout_takes_a_traced_rate():
    def kept(rate):
        rngs = {"dropout": KEY}
        return (
            Dropout(rate).apply({}, jnp.ones((4, 1000)), train=True, rngs=rngs) > 0
        ).mean()

    np.testing.assert_allclose(jax.jit(kept)(0.9), 0.1, atol=0.02)


def test_activation_by_name():
    np.testing.assert_allclose(
        activation("leaky_relu")(jnp.array([-5.0, 3.0])), [-1.0, 3.0]
    )
    with pytest.raises(InputError, match="did you mean 'leaky_relu'"):
        activation("leakyrelu")
