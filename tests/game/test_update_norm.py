"""The norm of an update, which is computed where it is due."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import recipes

from genlab.game import update_norm
from genlab.training.rounds import rounds_of


@pytest.mark.parametrize("compiled", [True, False])
def test_due_norm_is_that_of_the_update_and_moves_nothing(compiled):
    transform = optax.adam(1e-2)
    params = {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.ones(3)}
    gradient = jax.tree.map(lambda leaf: leaf - 2, params)
    state = transform.init(params)
    step = lambda g: transform.update(g, state, params)
    ahead = lambda due: update_norm.ahead(step, gradient, due)
    ahead = jax.jit(ahead) if compiled else ahead
    expected = optax.tree.norm(step(gradient)[0])
    for due, wanted in ((jnp.array(True), expected), (jnp.array(False), 0.0)):
        length, same = ahead(due)
        np.testing.assert_allclose(length, wanted, rtol=1e-6)
        jax.tree.map(np.testing.assert_array_equal, same, gradient)
    length, same = update_norm.ahead(step, gradient, True)
    np.testing.assert_allclose(length, expected, rtol=1e-6)
    assert same is gradient


def test_norm_that_overflows_leaves_the_gradient_as_it_is():
    gradient = jnp.array([3e38, -3e38])
    length, same = update_norm.ahead(lambda g: (g, ()), gradient, jnp.array(True))
    assert np.isinf(length)
    np.testing.assert_array_equal(same, gradient)


def test_a_call_tells_the_norm_of_its_last_update():
    recipe = recipes.recipe("vae")
    feed = recipes.feed_of(recipe)
    rounds = jax.jit(rounds_of(recipe.experiment, feed))
    call = lambda state, step, count: rounds(
        state, feed.resident, feed.chunk(step, count), np.uint32(0)
    )
    start = recipe.init_state()
    whole, told = call(start, 0, 3)
    state, rows = start, []
    for step in range(3):
        state, one = call(state, step, 1)
        rows.append(one)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), whole, state)
    for name, values in told.items():
        each = np.concatenate([row[name] for row in rows])
        if name.endswith("/update_norm"):
            assert len({*each.tolist()}) == 3
            each = np.full(3, each[-1])
        np.testing.assert_allclose(values, each, rtol=1e-5)
