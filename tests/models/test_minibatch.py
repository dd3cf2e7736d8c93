"""Discriminators that see several examples at once, against loops and hand-made numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.network import takes_label
from genlab.nn.minibatch import MinibatchDeviation, MinibatchDiscrimination
from genlab.registry import models
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit

KEY = jax.random.key(0)


def test_closeness_is_its_sum_over_the_others():
    x = jax.random.normal(KEY, (5, 3))
    layer = MinibatchDiscrimination(kernels=2, width=4)
    y, variables = layer.init_with_output(KEY, x)
    assert y.shape == (5, 3 + 2)
    maps = np.asarray(x @ variables["params"]["tensor"]["kernel"]).reshape(5, 2, 4)
    for i in range(5):
        for b in range(2):
            others = [np.abs(maps[i, b] - maps[j, b]).sum() for j in range(5) if j != i]
            np.testing.assert_allclose(
                y[i, 3 + b], np.exp(-np.array(others)).sum(), 1e-5
            )
    np.testing.assert_array_equal(y[:, :3], x)
    same = layer.apply(variables, jnp.ones((5, 3)))
    np.testing.assert_allclose(same[:, 3:], 4.0)  # all others, itself left out


def test_deviation_of_a_group():
    """Examples 1, 3 deviate by 1 and 2, 8 by 3 in the first channel; 0 in the second."""
    x = jnp.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0], [8.0, 5.0]])
    y = MinibatchDeviation(group=2).apply({}, x)
    flat = np.sqrt(1e-8)
    deviations = np.repeat([(1 + flat) / 2, (3 + flat) / 2], 2)
    np.testing.assert_allclose(y[:, 2], deviations, rtol=1e-5)
    np.testing.assert_array_equal(y[:, :2], x)
    images = jnp.broadcast_to(x[:, None, None], (4, 3, 3, 2))
    y = MinibatchDeviation(group=2).apply({}, images)
    assert y.shape == (4, 3, 3, 3)
    np.testing.assert_allclose(y[:, 1, 2, 2], deviations, rtol=1e-5)
    slope = jax.grad(lambda x: MinibatchDeviation(2).apply({}, x).sum())(
        jnp.ones((4, 2))
    )
    assert np.isfinite(slope).all()  # where all examples are the same
    with pytest.raises(InputError, match="a group of 3 examples .* of 4; .* such as 6"):
        MinibatchDeviation(group=3).apply({}, x)


@pytest.mark.parametrize(
    "layer", [MinibatchDiscrimination(3, 2), MinibatchDeviation(4)]
)
def test_the_batch_is_that_of_all_devices(layer):
    x = jax.random.normal(KEY, (8, 5))
    variables = layer.init(KEY, x)

    def loss(variables, x):
        return jnp.sin(layer.apply(variables, x)).mean()

    def share(variables, x):
        with parallel.mapped():
            slopes = jax.grad(loss)(variables, x)
            return layer.apply(variables, x), parallel.mean_over_devices(slopes)

    shared = jax.pmap(share, axis_name=parallel.BATCH, in_axes=(None, 0))
    found, slopes = shared(variables, x.reshape(4, 2, 5))
    whole = layer.apply(variables, x)
    np.testing.assert_allclose(found.reshape(whole.shape), whole, atol=1e-6)
    for one, many in zip(
        jax.tree.leaves(jax.grad(loss)(variables, x)),
        jax.tree.leaves(slopes),
        strict=True,
    ):
        np.testing.assert_allclose(many[0], one, atol=1e-6)


@pytest.mark.parametrize("name", ["minibatch_discrimination", "minibatch_deviation"])
def test_a_wrapped_discriminator_sees_its_features_and_the_batch(name):
    inside = models.build("mlp_discriminator", hidden=(6,))
    network, x = models.build(name, network=inside), jax.random.normal(KEY, (4, 2))
    logits, variables = network.init_with_output(KEY, x)
    seen = network.apply(variables, x, method="features")
    more = {"minibatch_discrimination": 100, "minibatch_deviation": 1}[name]
    assert logits.shape == (4,) and seen.shape == (4, 6 + more)
    params = variables["params"]
    assert set(params["network"]["mlp"]) == {"hidden_0"}  # its own last layer is gone
    expected = seen @ params["head"]["kernel"][:, 0] + params["head"]["bias"]
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    patches = models.build(name, network=models.build("patch_discriminator"))
    with pytest.raises(InputError, match="'patch_discriminator' has none"):
        patches.init(KEY, jnp.zeros((2, 32, 32, 1)))


def test_packs_join_examples_that_follow_each_other():
    inside = models.build("mlp_discriminator", hidden=())
    network, x = models.build("packed", network=inside), jax.random.normal(KEY, (6, 2))
    variables = network.init(KEY, x[:2])
    head = variables["params"]["network"]["mlp"]["head"]
    logits = network.apply(variables, x)
    np.testing.assert_allclose(
        logits, x.reshape(3, 4) @ head["kernel"][:, 0], rtol=1e-5
    )


def test_packs_of_images_are_more_channels():
    inside = models.build("dcgan_discriminator", image_shape=(8, 8, 3), width=2)
    network = models.build("packed", network=inside, pack=4)
    x = jax.random.normal(KEY, (8, 8, 8, 3))
    variables = network.init(KEY, x[:2])
    assert variables["params"]["network"]["conv_0"]["kernel"].shape == (4, 4, 12, 2)
    direct = jnp.concatenate([x[:4], x[4:]]).reshape(2, 4, 8, 8, 3)
    direct = jnp.concatenate([direct[:, i] for i in range(4)], axis=-1)
    inner = {key: leaves["network"] for key, leaves in variables.items()}
    np.testing.assert_allclose(
        network.apply(variables, x), inside.apply(inner, direct), atol=1e-6
    )


def test_a_pack_that_does_not_divide_the_batch_is_refused():
    config = recipes.plain("gan_ring")
    config["experiment"]["penalty"] = None  # of the slope at one example
    config["model"]["discriminator"] = {
        "name": "packed",
        "network": config["model"]["discriminator"],
        "pack": 4,
    }

    def fit(**train):
        config["train"] |= train
        recipe = Recipe.build(config)
        check_fit(recipe, recipe.feed())

    fit()
    with pytest.raises(InputError, match="packs of 4 .* divide the 6 of a batch"):
        fit(batch_size=6)
    config |= {"parallel": "pmap", "devices": 4}
    with pytest.raises(InputError, match="packs of 4 .* divide the 2 of a batch"):
        fit(batch_size=8)


def test_a_pack_has_no_label_and_passes_none_on():
    inside = models.build("mlp_discriminator", hidden=(3,))
    around = models.build("conditional", network=inside, num_classes=3)
    packed = models.build("packed", network=around)
    assert not takes_label(packed)
    with pytest.raises(InputError, match="put 'conditional' around 'packed'"):
        packed.init(KEY, jnp.zeros((2, 2)))
    seen = models.build("minibatch_deviation", network=around)
    assert takes_label(seen) and not takes_label(inside)
    x, label = jnp.zeros((4, 2)), jnp.array([0, 1, 2, 0])
    assert seen.init_with_output(KEY, x, label=label)[0].shape == (4,)
