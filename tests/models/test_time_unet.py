"""The network of diffusion that sees a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.registry import models


@pytest.mark.full
def test_it_says_nothing_at_first_and_then_sees_time_and_class():
    network = models.build(
        "time_unet", example_shape=(4, 4, 1), width=4, multiples=(1, 2), heads=1
    )
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 1))
    time, told = jnp.array([0.1, 0.9]), jnp.ones((2, 3))
    params = jax.jit(network.init)(jax.random.key(1), x, time, told)
    apply = jax.jit(network.apply)
    np.testing.assert_array_equal(apply(params, x, time, told), 0.0)
    keys = iter(jax.random.split(jax.random.key(2), 200))
    params = jax.tree.map(
        lambda p: p + 0.3 * jax.random.normal(next(keys), p.shape), params
    )
    out = lambda time, told: np.asarray(apply(params, x, time, told))
    assert out(time, told).shape == x.shape
    assert np.abs(out(time, told) - out(time[::-1], told)).max() > 1e-3
    assert np.abs(out(time, told) - out(time, 2 * told)).max() > 1e-3


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        (dict(width=6), "a multiple of 4"),
        (dict(multiples=(1, 2, 2, 2)), "multiples of 8"),
    ],
)
def test_impossible_sizes_are_refused(knobs, told):
    network = models.build(
        "time_unet", **(dict(example_shape=(4, 4, 1), width=4) | knobs)
    )
    with pytest.raises(InputError, match=told):
        network.init(jax.random.key(0), jnp.zeros((1, 4, 4, 1)), jnp.zeros(1))
