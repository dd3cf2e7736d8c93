"""PacGAN's networks for points in the plane: counts by hand, and what a maxout unit is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.nn.maxout import Maxout
from genlab.registry import models

KEY = jax.random.key(0)


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def test_a_unit_of_two_pieces_is_the_absolute_value():
    """Unit 0 is max(x, -x) = |x|, unit 1 max(2x + 1, 3)."""
    kernel, bias = jnp.array([[1.0, -1.0, 2.0, 0.0]]), jnp.array([0.0, 0.0, 1.0, 3.0])
    params = {"params": {"maps": {"kernel": kernel, "bias": bias}}}
    y = Maxout(2, 2).apply(params, jnp.array([[-3.0], [0.5], [2.0]]))
    np.testing.assert_allclose(y, [[3.0, 3.0], [0.5, 3.0], [2.0, 5.0]])


def test_networks_of_pacgan_have_its_sizes():
    """Generator 2, 4 x 400, 2 with batch norm; discriminator 3 x 200 units of five pieces."""
    sizes = dict(hidden=(400,) * 4, norm="batch", output_activation="identity")
    generator = models.build("mlp_generator", example_shape=(2,), **sizes)
    made = jax.eval_shape(generator.init, KEY, jnp.zeros((3, 2)))
    assert count(made) == 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + 400 * 2 + 2
    critic = models.build("maxout_discriminator")
    logits, made = jax.eval_shape(critic.init_with_output, KEY, jnp.zeros((3, 2)))
    layers = 3 * 1000 + 2 * 201 * 1000 + 201
    assert logits.shape == (3,) and count(made) == layers
    assert "batch_stats" not in made


def test_a_normalised_perceptron_is_its_formula():
    network = models.build("mlp", hidden=(3,), outputs=2, norm="batch")
    x = jax.random.normal(KEY, (6, 4))
    variables = network.init(KEY, x)
    y, renewed = network.apply(variables, x, train=True, mutable=["batch_stats"])
    params = variables["params"]
    hidden = np.asarray(x @ params["hidden_0"]["kernel"])
    normed = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    expected = np.maximum(normed, 0) @ params["head"]["kernel"]
    np.testing.assert_allclose(y, expected, atol=1e-5)
    found = renewed["batch_stats"]["norm_0"]["mean"]
    np.testing.assert_allclose(found, 0.1 * hidden.mean(0), atol=1e-6)
    with pytest.raises(
        InputError, match="norm 'bach' is unknown; did you mean 'batch'"
    ):
        models.build("mlp", hidden=(3,), outputs=2, norm="bach").init(KEY, x)


@pytest.mark.parametrize("name", ["mlp_discriminator", "maxout_discriminator"])
def test_logits_are_linear_in_the_features(name):
    network, x = models.build(name, hidden=(8, 5)), jax.random.normal(KEY, (3, 2))
    variables = network.init(KEY, x)
    features = network.apply(variables, x, method="features")
    head = variables["params"].get("mlp", variables["params"])["head"]
    expected = features @ head["kernel"][:, 0] + head["bias"]
    np.testing.assert_allclose(network.apply(variables, x), expected, atol=1e-5)
