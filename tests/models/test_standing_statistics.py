"""Batch normalisation by what a generator makes of many latents, against its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.registry import models
from genlab.run.recipe import Recipe

KEY = jax.random.key(0)


def test_samples_are_normalised_by_those_of_fixed_latents():
    inside = models.build("mlp", hidden=(3,), outputs=3, norm="batch")
    network = models.build("standing_statistics", network=inside, examples=50)
    z = jax.random.normal(jax.random.key(1), (6, 5))
    variables = network.init(KEY, z[:2])
    params = variables["params"]["network"]
    params["head"] = {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}
    reference = np.asarray(jax.random.normal(KEY, (50, 5)))
    hidden, known = (
        np.asarray(x @ params["hidden_0"]["kernel"]) for x in (z, reference)
    )
    found = jax.jit(network.apply)(variables, z)
    expected = (hidden - known.mean(0)) / np.sqrt(known.var(0) + 1e-5)
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-4)
    alone = jax.jit(network.apply)(variables, z[2:3])
    np.testing.assert_allclose(alone, found[2:3], atol=1e-5)

    # In training it is the network inside, whose running statistics move.
    own = {name: tree["network"] for name, tree in variables.items()}
    told, renewed = network.apply(variables, z, train=True, mutable=["batch_stats"])
    wanted, moved = inside.apply(own, z, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(told, wanted, atol=1e-6)
    recipes.assert_identical(renewed["batch_stats"]["network"], moved["batch_stats"])


def test_classes_have_statistics_together():
    config = recipes.plain("projection_gan")
    inside = config["model"]["generator"]
    config["model"]["generator"] = {
        "name": "standing_statistics",
        "network": inside,
        "examples": 20,
    }
    built = Recipe.build(config)
    trained = built.trained(jax.device_put(built.init_state()))
    images = trained.sample(3, "1")
    assert images.shape == (3, 8, 8, 1) and np.ptp(images) > 0


def test_a_network_without_batch_norm_is_refused():
    inside = models.build("mlp", hidden=(3,), outputs=3)
    network = models.build("standing_statistics", network=inside)
    z = jnp.ones((2, 5))
    with pytest.raises(InputError, match="no batch normalisation that another could"):
        network.apply(network.init(KEY, z), z)
