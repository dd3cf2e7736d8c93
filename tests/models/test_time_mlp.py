"""The perceptron that sees a time."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.models.time_mlp import TimeMlp


def test_waves_are_sines_and_cosines_of_every_coordinate():
    x = jnp.array([[0.3, -1.2], [2.0, 0.7]])
    network = TimeMlp(example_shape=(2,), hidden=(5,), width=4, waves=3)
    variables = network.init(jax.random.key(0), x, jnp.array([0.1, 0.9]))
    assert variables["params"]["hidden_0"]["kernel"].shape == (2 + 2 * 3 * 2, 5)
    seen = np.asarray(network.bind(variables)._seen(x))
    expected = [
        x,
        *(f(x * rate) for f in (np.sin, np.cos) for rate in (1.0, 2.0, 4.0)),
    ]
    np.testing.assert_allclose(seen, np.concatenate(expected, axis=1), rtol=1e-6)


def test_without_waves_it_sees_the_coordinates():
    x = jnp.array([[0.3, -1.2]])
    network = TimeMlp(example_shape=(2,), hidden=(5,), width=4)
    variables = network.init(jax.random.key(0), x, jnp.array([0.1]))
    np.testing.assert_array_equal(network.bind(variables)._seen(x), x)
