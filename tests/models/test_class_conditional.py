"""Classes inside networks: scales of norms and the projection, against hand-made numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.game.network import takes_label
from genlab.registry import models

KEY = jax.random.key(0)
LABEL = jnp.array([2, 0, 2, 1])


def of_points(name, inside, **knobs):
    return models.build(name, network=models.build(inside, **knobs), num_classes=3)


def test_scales_of_classes_start_at_one():
    """The conditional generator starts as the unconditional one, whatever the class."""
    sizes = dict(image_shape=(8, 8, 1), width=2)
    network = of_points("conditional_batch_norm", "dcgan_generator", **sizes)
    z = jax.random.normal(KEY, (4, 5))
    variables = network.init(KEY, z, label=LABEL)
    norm = variables["params"]["network"]["norm_0"]
    assert set(norm) == {"class_scale", "class_bias"}
    np.testing.assert_array_equal(norm["class_scale"], np.ones((3, 2)))
    np.testing.assert_array_equal(norm["class_bias"], np.zeros((3, 2)))
    options = dict(train=True, mutable=["batch_stats"])
    one, renewed = network.apply(variables, z, label=LABEL, **options)
    other, _ = network.apply(variables, z, label=0 * LABEL, **options)
    np.testing.assert_array_equal(one, other)
    assert np.abs(renewed["batch_stats"]["network"]["norm_0"]["mean"]).max() > 0


def test_each_example_has_the_scale_and_bias_of_its_class():
    network = of_points(
        "conditional_batch_norm", "mlp", hidden=(2,), outputs=2, norm="batch"
    )
    x = jax.random.normal(KEY, (4, 3))
    variables = network.init(KEY, x, label=LABEL)
    params = variables["params"]["network"]
    params["norm_0"]["class_scale"] = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    params["norm_0"]["class_bias"] = jnp.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    params["head"] = {"kernel": jnp.eye(2), "bias": jnp.zeros(2)}
    y, _ = network.apply(variables, x, label=LABEL, train=True, mutable=["batch_stats"])
    hidden = np.asarray(x @ params["hidden_0"]["kernel"])
    normed = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    scale, bias = (
        np.asarray(params["norm_0"][f"class_{n}"]) for n in ("scale", "bias")
    )
    expected = np.maximum(normed * scale[LABEL] + bias[LABEL], 0)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_network_without_batch_norm_has_no_conditional_one():
    network = of_points("conditional_batch_norm", "mlp_discriminator", hidden=(2,))
    assert takes_label(network)
    with pytest.raises(InputError, match="'mlp_discriminator' has no batch norm"):
        network.init(KEY, jnp.zeros((4, 3)), label=LABEL)


def test_projection_by_hand():
    """phi(x) = relu(x), w = (1, -1), b = 0.5, v_y = (y, 10 y)."""
    network = of_points(
        "projection", "mlp_discriminator", hidden=(2,), activation="relu"
    )
    x = jnp.array([[1.0, 2.0], [3.0, -4.0], [-1.0, 0.5], [2.0, 2.0]])
    variables = network.init(KEY, x, label=LABEL)
    params = variables["params"]
    assert set(params["network"]["mlp"]) == {"hidden_0"}
    params["network"]["mlp"]["hidden_0"] = {"kernel": jnp.eye(2), "bias": jnp.zeros(2)}
    params["head"] = {"kernel": jnp.array([[1.0], [-1.0]]), "bias": jnp.array([0.5])}
    params["classes"]["embedding"] = jnp.array([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]])
    logits = network.apply(variables, x, label=LABEL)
    np.testing.assert_allclose(logits, [-0.5 + 42.0, 3.5, 0.0 + 10.0, 0.5 + 22.0])
    features = network.apply(variables, x, method="features")
    np.testing.assert_array_equal(features, np.maximum(x, 0))


class TestTellsClasses:
    def test_are_the_products_with_the_vectors_of_classes(self):
        inside = models.build("mlp_discriminator", hidden=(2,), activation="relu")
        told = models.build(
            "projection", network=inside, num_classes=3, tells_classes=True
        )
        network = models.build("tells_classes", network=told)
        x = jnp.array([[1.0, 2.0], [3.0, -4.0]])
        variables = network.init(KEY, x)
        params = variables["params"]["network"]
        hidden = {"kernel": jnp.eye(2), "bias": jnp.zeros(2)}
        params["network"]["mlp"]["hidden_0"] = hidden
        vectors = jnp.array([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]])
        params["classes"]["embedding"] = vectors
        logits = network.apply(variables, x)
        np.testing.assert_allclose(logits, [[0.0, 21.0, 42.0], [0.0, 3.0, 6.0]])
        own = jax.tree.map(jnp.shape, told.init(KEY, x, label=LABEL[:2])["params"])
        assert jax.tree.map(jnp.shape, params) == own  # so that a game takes it over

    def test_needs_one_that_tells(self):
        network = models.build(
            "tells_classes",
            network=of_points("projection", "mlp_discriminator", hidden=(2,)),
        )
        with pytest.raises(InputError, match="tells_classes=True"):
            network.init(KEY, jnp.zeros((2, 2)))
