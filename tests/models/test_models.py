"""The first networks: shapes, types, and what their papers fix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.dcgan import DcganDiscriminator, DcganGenerator
from genlab.models.mlp import Mlp
from genlab.registry import models

KEY = jax.random.key(0)

# name, knobs, input shape, output shapes
NETWORKS = [
    ("mlp", dict(hidden=(5,), outputs=3), (2, 4, 4, 1), [(2, 3)]),
    ("mlp_generator", dict(example_shape=(2,)), (2, 3), [(2, 2)]),
    ("mlp_decoder", dict(example_shape=(4, 5, 1)), (2, 3), [(2, 4, 5, 1)]),
    ("mlp_encoder", dict(latent_dim=3), (2, 4, 5, 1), [(2, 3), (2, 3)]),
    ("mlp_discriminator", dict(), (2, 2), [(2,)]),
    ("mlp_classifier", dict(num_classes=4), (2, 4, 4, 1), [(2, 4)]),
    (
        "dcgan_generator",
        dict(image_shape=(16, 16, 3), width=4),
        (2, 7),
        [(2, 16, 16, 3)],
    ),
    (
        "dcgan_discriminator",
        dict(image_shape=(16, 16, 3), width=4),
        (2, 16, 16, 3),
        [(2,)],
    ),
    ("conv_encoder", dict(latent_dim=3, hidden=8), (2, 7, 10, 1), [(2, 3), (2, 3)]),
    (
        "mlp_encoder",
        dict(latent_dim=3, covariance="full"),
        (2, 4, 5, 1),
        [(2, 3), (2, 3), (2, 3, 3)],
    ),
    (
        "residual_encoder",
        dict(latent_dim=3, channels=(4, 8)),
        (2, 7, 10, 1),
        [(2, 3), (2, 3)],
    ),
    (
        "residual_decoder",
        dict(image_shape=(7, 10, 2), channels=(8, 4)),
        (2, 3),
        [(2, 7, 10, 2)],
    ),
    (
        "conv_decoder",
        dict(image_shape=(7, 10, 2), hidden=8),
        (2, 3),
        [(2, 7, 10, 2)],
    ),
    ("conv_classifier", dict(num_classes=4, hidden=8), (2, 7, 10, 3), [(2, 4)]),
]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("name", "knobs", "shape", "outputs"), NETWORKS)
def test_shapes_and_types(name, knobs, shape, outputs, dtype):
    network = models.build(name, **knobs, dtype=dtype)

    def run(x):
        variables = network.init(KEY, x, train=True)
        trained, _ = network.apply(variables, x, train=True, mutable=["batch_stats"])
        return variables, trained, network.apply(variables, x)

    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    variables, trained, evaluated = jax.eval_shape(run, x)
    for result in (trained, evaluated):
        leaves = jax.tree.leaves(result)
        assert [leaf.shape for leaf in leaves] == outputs
        assert all(leaf.dtype == jnp.float32 for leaf in leaves)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))


@pytest.mark.parametrize("name", ["mlp_classifier", "conv_classifier"])
def test_logits_are_linear_in_the_features(name):
    network = models.build(name, num_classes=4)
    x = jax.random.normal(KEY, (3, 8, 8, 1))
    variables = network.init(KEY, x)
    features = network.apply(variables, x, method="features")
    params = variables["params"]
    head = params["head"] if "head" in params else params["mlp"]["head"]
    np.testing.assert_allclose(
        network.apply(variables, x),
        features @ head["kernel"] + head["bias"][None],
        atol=1e-5,
    )


def test_mlp_is_its_formula():
    network, x = Mlp((3,), 2, "tanh"), jax.random.normal(KEY, (4, 5))
    y, variables = network.init_with_output(KEY, x)
    hidden, head = variables["params"]["hidden_0"], variables["params"]["head"]
    expected = np.tanh(x @ hidden["kernel"]) @ head["kernel"]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_dcgan_of_the_paper():
    """64 px: channels 1024-512-256-128; biases only where no batch norm follows."""
    x = jax.ShapeDtypeStruct((2, 100), jnp.float32)
    shape = (64, 64, 3)
    params = jax.eval_shape(DcganGenerator(shape).init, KEY, x)["params"]
    kernels = [params[f"conv_{i}"]["kernel"].shape for i in range(4)]
    assert kernels == [
        (4, 4, 100, 1024),
        (4, 4, 1024, 512),
        (4, 4, 512, 256),
        (4, 4, 256, 128),
    ]
    assert params["to_image"]["kernel"].shape == (4, 4, 128, 3)
    assert sorted(params["to_image"]) == ["bias", "kernel"]
    assert all(list(params[f"conv_{i}"]) == ["kernel"] for i in range(4))

    x = jax.ShapeDtypeStruct((2, *shape), jnp.float32)
    params = jax.eval_shape(DcganDiscriminator(shape).init, KEY, x)["params"]
    assert sorted(params) == [
        *(f"conv_{i}" for i in range(4)),
        *(f"norm_{i}" for i in range(1, 4)),
        "to_logit",
    ]
    assert params["conv_3"]["kernel"].shape == (4, 4, 512, 1024)
    assert params["to_logit"]["kernel"].shape == (4, 4, 1024, 1)


def test_dcgan_initial_weights():
    network = DcganGenerator((16, 16, 1), width=64)
    params = network.init(KEY, jnp.zeros((2, 64)))["params"]
    kernel, scale = params["conv_0"]["kernel"], params["norm_0"]["scale"]
    np.testing.assert_allclose(kernel.std(), 0.02, rtol=0.02)
    np.testing.assert_allclose(scale.mean(), 1, atol=4 * 0.02 / np.sqrt(scale.size))
    np.testing.assert_allclose(scale.std(), 0.02, rtol=0.3)


def test_dcgan_refuses_other_sizes():
    with pytest.raises(InputError, match="power of two from 8, such as 32 or 64"):
        DcganGenerator((28, 28, 1)).init(KEY, jnp.zeros((2, 8)))
    with pytest.raises(InputError, match="image_shape is"):
        DcganDiscriminator((32, 32, 1)).init(KEY, jnp.zeros((2, 64, 64, 1)))
