"""The transformer of patches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.registry import models

SMALL = dict(example_shape=(4, 6, 2), patch=2, width=8, blocks=1, heads=2)


@pytest.mark.full
def test_it_says_nothing_at_first_and_then_sees_time_class_and_all_patches():
    network = models.build("dit", **SMALL)
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 2))
    time, told = jnp.array([0.1, 0.9]), jnp.ones((2, 3))
    params = jax.jit(network.init)(jax.random.key(1), x, time, told)
    apply = jax.jit(network.apply)
    np.testing.assert_array_equal(apply(params, x, time, told), 0.0)
    keys = iter(jax.random.split(jax.random.key(2), 200))
    params = jax.tree.map(
        lambda p: p + 0.3 * jax.random.normal(next(keys), p.shape), params
    )
    out = lambda x, time, told: np.asarray(apply(params, x, time, told))
    here = out(x, time, told)
    assert here.shape == x.shape
    assert np.abs(here - out(x, time[::-1], told)).max() > 1e-3
    assert np.abs(here - out(x, time, 2 * told)).max() > 1e-3
    assert np.abs(here - out(x.at[0, 0, 0].add(3.0), time, told))[0, 3, 5].max() > 1e-4


def test_patches_go_back_to_their_places():
    network = models.build("dit", **SMALL)
    image = jnp.arange(48.0).reshape(1, 4, 6, 2)
    tokens = image.reshape(1, 2, 2, 3, 2, 2).transpose(0, 1, 3, 2, 4, 5)
    back = network._image(tokens.reshape(1, 6, 8), (2, 3))
    np.testing.assert_array_equal(back, image)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [(dict(patch=4), "multiples of it"), (dict(heads=3), "cannot share a width of 8")],
)
def test_impossible_sizes_are_refused(knobs, told):
    network = models.build("dit", **{**SMALL, **knobs})
    with pytest.raises(InputError, match=told):
        jax.eval_shape(
            network.init, jax.random.key(0), jnp.zeros((1, 4, 6, 2)), jnp.zeros(1)
        )
