"""The norm of an update, which is computed where it is due."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import recipes

from genlab.game import update_norm
from genlab.training.rounds import rounds_of


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("compiled", [True, False])
def test_due_norm_is_that_of_the_update_and_moves_nothing(compiled, dtype):
    transform = optax.adam(1e-2)
    params = {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.ones(3)}
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
    gradient = jax.tree.map(lambda leaf: leaf - 2, params)
    state = transform.init(params)
    step = lambda g: transform.update(g, state, params)
    taken = lambda due: update_norm.taken(step, gradient, due)
    taken = jax.jit(taken) if compiled else taken
    wanted = jax.jit(step) if compiled else step
    norm = optax.tree.norm(jax.tree.map(jnp.float32, step(gradient)[0]))
    for due, length in ((jnp.array(True), norm), (jnp.array(False), 0.0), (True, norm)):
        *moved, found = (
            update_norm.taken(step, gradient, True) if due is True else taken(due)
        )
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(
            found, length, rtol=1e-6 if dtype == "float32" else 2e-2
        )
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(
                np.float32(a), np.float32(b), rtol=1e-6
            ),
            tuple(moved),
            wanted(gradient),
        )


def test_norm_that_overflows_leaves_the_update_as_it_is():
    gradient = jnp.array([3e38, -3e38])
    step = lambda gradient: (gradient, ())
    update, _, length = update_norm.taken(step, gradient, jnp.array(True))
    assert np.isinf(length)
    np.testing.assert_array_equal(update, gradient)


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
