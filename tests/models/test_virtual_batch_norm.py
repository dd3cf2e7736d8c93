"""Virtual batch normalisation against its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.registry import models
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit

KEY = jax.random.key(0)


def test_an_example_is_normalised_by_the_reference_and_itself():
    inside = models.build("mlp", hidden=(3,), outputs=3, norm="batch")
    network = models.build("virtual_batch_norm", network=inside, examples=4)
    x = jax.random.normal(KEY, (6, 5))
    variables = network.init(KEY, x[:2])
    assert set(variables) == {"params", "reference"}
    params = variables["params"]["network"]
    params["head"] = {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}

    @jax.jit
    def train(variables, x):
        return network.apply(variables, x, train=True, mutable=["reference"])

    y, renewed = train(variables, x)
    np.testing.assert_array_equal(renewed["reference"]["examples"], x[:4])

    hidden = np.asarray(x @ params["hidden_0"]["kernel"])
    reference = hidden[:4]
    mean = 0.8 * reference.mean(0) + 0.2 * hidden
    square = 0.8 * np.square(reference).mean(0) + 0.2 * np.square(hidden)
    expected = (hidden - mean) / np.sqrt(square - mean**2 + 1e-5)
    np.testing.assert_allclose(y, np.maximum(expected, 0), atol=1e-4)

    variables |= renewed  # the reference stays, and no example sees the others
    later, same = train(variables, x[::-1])
    np.testing.assert_array_equal(same["reference"]["examples"], x[:4])
    np.testing.assert_allclose(later, y[::-1], atol=1e-5)
    np.testing.assert_allclose(network.apply(variables, x[5:]), y[5:], atol=1e-5)


def test_pixels_of_an_example_count():
    inside = models.build("dcgan_generator", image_shape=(8, 8, 1), width=2)
    network = models.build("virtual_batch_norm", network=inside, examples=3)
    z = jax.random.normal(KEY, (4, 5))
    variables = jax.jit(network.init)(KEY, z[:2])
    use = jax.jit(network.apply)
    images = use(variables, z)
    assert images.shape == (4, 8, 8, 1) and network.output_range == (-1.0, 1.0)
    np.testing.assert_allclose(use(variables, z[2:3]), images[2:3], atol=1e-5)


@pytest.mark.full
def test_a_game_keeps_its_reference_on_any_devices():
    config = recipes.plain("dcgan")
    for role, inside in config["model"].items():
        if role == "generator":
            virtual = {"name": "virtual_batch_norm", "network": inside, "examples": 8}
            config["model"][role] = virtual
    built = Recipe.build(config)
    check_fit(built, built.feed())
    one, _ = recipes.run_rounds(built, 2, 2)
    known = one.extra["reference"]["generator"]
    assert known["known"] == 1
    shared, _ = recipes.run_rounds(built, 2, 2, 4, "pmap")
    recipes.assert_close(one, shared, 1e-5)
    with pytest.raises(InputError, match="examples=9 needs as many .* there are 8"):
        config["model"]["generator"]["examples"] = 9
        built = Recipe.build(config)
        check_fit(built, built.feed())


def test_a_network_without_batch_norm_is_refused():
    inside = models.build("mlp_discriminator", hidden=(2,))
    network = models.build("virtual_batch_norm", network=inside)
    with pytest.raises(InputError, match="'mlp_discriminator' has no batch norm"):
        jax.eval_shape(network.init, KEY, jnp.zeros((2, 3)))
