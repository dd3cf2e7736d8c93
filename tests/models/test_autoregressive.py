"""Autoregressive models: their order by the Jacobian, that they sum to one, and what they draw."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.registry import models

KEY, FULL = jax.random.key(0), pytest.mark.full
PIXEL = dict(width=8, dilations=(2,))
KINDS = [
    ("made", (3, 2, 1), dict(hidden=(30, 20))),
    ("made", (5,), dict(hidden=())),
    ("pixel_cnn", (3, 4, 1), PIXEL),
    pytest.param("pixel_cnn", (2, 2, 2), {**PIXEL, "kernel": 5}, marks=FULL),
]


def of(name, shape, **knobs):
    """A model with parameters that are all drawn, and they."""
    model = models.build(name, example_shape=shape, **knobs)
    params = jax.jit(model.init)(KEY, jnp.zeros((2, *shape)), KEY)
    keys = iter(jax.random.split(jax.random.key(1), 200))
    noisy = lambda leaf: leaf + 0.4 * jax.random.normal(next(keys), leaf.shape)
    return model, jax.tree.map(noisy, params)


@pytest.mark.parametrize(("name", "shape", "knobs"), KINDS)
def test_each_number_is_told_all_before_it_and_nothing_after(name, shape, knobs):
    model, params = of(name, shape, levels=3, **knobs)
    told = lambda seen: model.apply(params, seen[None], method="logits")[0]
    seen = jax.random.normal(KEY, shape)
    size = seen.size
    slopes = jax.jit(jax.jacrev(told))(seen).reshape(size, 3, size)
    np.testing.assert_array_equal(
        np.abs(slopes).max(axis=1) > 0, np.tril(np.ones((size, size)), -1) > 0
    )


@pytest.mark.parametrize(
    ("name", "ordered"),
    [
        ("made", True),
        ("pixel_cnn", False),
        pytest.param("pixel_cnn", True, marks=FULL),
    ],
)
def test_it_sums_to_one_and_draws_what_it_says(name, ordered):
    knobs = dict(hidden=(9,)) if name == "made" else PIXEL
    shape = (2, 3, 1)
    model, params = of(name, shape, levels=2, low=0.0, ordered=ordered, **knobs)
    grid = np.array(list(itertools.product((0.0, 1.0), repeat=6)), np.float32)
    chance = np.exp(-jax.jit(model.apply)(params, grid.reshape(-1, *shape), KEY))
    np.testing.assert_allclose(chance.sum(), 1.0, rtol=1e-5)
    draw = jax.jit(lambda: model.apply(params, KEY, 20_000, method="draw"))
    places = draw().reshape(-1, 6) @ (2.0 ** np.arange(5, -1, -1))
    share = np.bincount(np.asarray(places, int), minlength=64) / 20_000
    np.testing.assert_allclose(share, chance, atol=0.012)

    # What is known comes first: draws of the rest follow P(rest | known).
    known = jnp.arange(6).reshape(shape) < 3
    x = jnp.broadcast_to(jnp.array([1.0, 0, 1, 0, 0, 0]).reshape(shape), (9000, *shape))
    complete = jax.jit(lambda: model.apply(params, x, known, KEY, method="complete"))
    found = np.asarray(complete()).reshape(-1, 6)
    np.testing.assert_array_equal(found[:, :3], np.asarray(x).reshape(-1, 6)[:, :3])
    share = np.bincount((found[:, 3:] @ [4, 2, 1]).astype(int), minlength=8) / 9000
    given = chance[5 * 8 : 6 * 8]
    np.testing.assert_allclose(share, given / given.sum(), atol=0.02)


def test_the_cost_without_weights_is_that_of_even_levels():
    model = models.build("made", example_shape=(4,), levels=16)
    x = jnp.linspace(-1, 1, 8).reshape(2, 4)
    params = jax.tree.map(jnp.zeros_like, model.init(KEY, x, KEY))
    cost = model.apply(params, x, KEY)
    np.testing.assert_allclose(cost, 4 * np.log(16), rtol=1e-6)
    np.testing.assert_allclose(model.bits_per_dimension(cost), 4.0, rtol=1e-6)


def test_impossible_ones_are_refused():
    x = jnp.zeros((1, 4))
    for knobs, told in (
        (dict(example_shape=(4,)), "take 'made'"),
        (dict(example_shape=(2, 2, 1), kernel=4), "odd"),
    ):
        with pytest.raises(InputError, match=told):
            models.build("pixel_cnn", **knobs).init(
                KEY, x.reshape(1, *knobs["example_shape"]), KEY
            )
    with pytest.raises(InputError, match="levels=1 is not"):
        models.build("made", example_shape=(4,), levels=1)
    with pytest.raises(InputError, match="does not fit"):
        models.build("made", example_shape=(3,)).init(KEY, x, KEY)
