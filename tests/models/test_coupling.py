"""Flows: inverses, log-determinants, and splines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.nn.spline import spline
from genlab.registry import models
from genlab.run.recipe import Recipe

FLOWS = (
    ("coupling_flow", (5,), dict(layers=3, hidden=(7,))),
    ("coupling_flow", (5,), dict(layers=2, hidden=(7,), transform="spline", bins=4)),
    ("glow", (4, 4, 1), dict(scales=2, steps=2, width=4)),
)


@pytest.mark.parametrize(("name", "shape", "knobs"), FLOWS)
def test_inverse_and_determinant_are_those_of_the_jacobian(name, shape, knobs):
    flow = models.build(name, example_shape=shape, **knobs)
    x = jax.random.uniform(jax.random.key(0), (3, *shape), minval=-1.5, maxval=1.5)
    params = flow.init(jax.random.key(1), x, jax.random.key(3))
    noise = iter(jax.random.split(jax.random.key(2), 200))
    params = jax.tree.map(
        lambda leaf: leaf + 0.3 * jax.random.normal(next(noise), leaf.shape), params
    )

    @jax.jit
    def both(params, x):
        z, log_det = flow.apply(params, x, method="forward")
        flat = lambda x: flow.apply(params, x.reshape(1, *shape), method="forward")[
            0
        ].ravel()
        slopes = jax.vmap(jax.jacfwd(flat))(x.reshape(len(x), -1))
        return (
            z,
            log_det,
            jnp.linalg.slogdet(slopes)[1],
            flow.apply(params, z, method="inverse"),
        )

    z, log_det, true, back = both(params, x)
    np.testing.assert_allclose(log_det, true, atol=1e-4)
    np.testing.assert_allclose(back, x, atol=1e-3)
    assert np.abs(z - x).max() > 0.1


def test_spline_is_the_identity_at_first_and_outside():
    x = jnp.array([-3.0, -0.4, 0.0, 1.9, 5.0])
    zeros = jnp.zeros((5, 4)), jnp.zeros((5, 4)), jnp.zeros((5, 3))
    value, log_slope = spline(x, *zeros, bound=2.0, back=False)
    np.testing.assert_allclose(value, x, atol=1e-4)
    np.testing.assert_allclose(log_slope, 0.0, atol=1e-3)


def test_spline_goes_through_its_knots():
    widths, heights = jnp.log(jnp.array([1.0, 3.0])), jnp.log(jnp.array([2.0, 2.0]))
    value, _ = spline(
        jnp.array([-1.0]),
        widths[None],
        heights[None],
        jnp.zeros((1, 1)),
        bound=2.0,
        back=False,
    )
    np.testing.assert_allclose(
        value, 0.0, atol=5e-3
    )  # a quarter of the way is half of it


def test_impossible_flows_are_refused():
    for knobs, told in (
        ({"model__density__transform": "afine"}, "did you mean 'affine'"),
        ({"model__density": "{'name': 'glow'}"}, "multiples of 4"),
        ({"model__density__layers": "0"}, "is not"),
    ):
        with pytest.raises(InputError, match=told):
            Recipe.build(recipes.plain("normalizing_flow", **knobs)).shapes()
