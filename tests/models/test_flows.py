"""Flows: inverses, log-determinants, and splines."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from jax.scipy import stats

from genlab.errors import InputError
from genlab.game import rng
from genlab.models.real_nvp import Checkerboard
from genlab.nn.levels import check_range
from genlab.nn.spline import spline
from genlab.registry import models
from genlab.run.recipe import Recipe

KEY = jax.random.key(5)
FLOWS = (
    ("coupling_flow", (5,), dict(layers=3, hidden=(7,))),
    ("coupling_flow", (5,), dict(layers=2, hidden=(7,), transform="spline", bins=4)),
    ("glow", (4, 4, 1), dict(scales=2, steps=2, width=4)),
    ("real_nvp", (4, 4, 1), dict(scales=2, width=3, blocks=1)),
    ("real_nvp", (4, 4, 2), dict(scales=3, width=2, blocks=1)),
)


@pytest.mark.parametrize(("name", "shape", "knobs"), FLOWS)
def test_inverse_and_determinant_are_those_of_the_jacobian(name, shape, knobs):
    flow = models.build(name, example_shape=shape, **knobs)
    x = jax.random.uniform(jax.random.key(0), (3, *shape), minval=-1.5, maxval=1.5)
    params = flow.init(jax.random.key(1), x, jax.random.key(3))
    # Of as many layers as RealNVP has, more would make a Jacobian whose determinant float32 does not have.
    params = shaken(params, 0.15 if name == "real_nvp" else 0.3)

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
    np.testing.assert_allclose(log_det, true, rtol=1e-4, atol=1e-4)  # in float32
    np.testing.assert_allclose(back, x, atol=1e-3)
    assert np.abs(z - x).max() > 0.1


def test_scales_of_glow_are_those_of_the_first_batch():
    flow = models.build("glow", example_shape=(4, 4, 1), scales=1, steps=1, width=4)
    first = 3 + 2 * jax.random.normal(jax.random.key(0), (64, 4, 4, 1))
    variables = flow.init(jax.random.key(1), first, KEY)

    @jax.jit
    def train(variables, x):
        method = lambda flow: flow.forward(x, train=True)
        (z, log_det), changed = nn.apply(method, flow, mutable="batch_stats")(variables)
        return z, log_det, {**variables, **changed}

    z, log_det, begun = train(variables, first)
    np.testing.assert_allclose(np.mean(z), 0.0, atol=1e-5)
    channels = flow.apply(begun, first, method="forward")[0].reshape(64, 2, 2, 4)
    np.testing.assert_allclose(channels.std(axis=(0, 1, 2)), 1.0, rtol=1e-4)
    deviations = first.reshape(64, 2, 2, 2, 2).std(axis=(0, 1, 3))
    np.testing.assert_allclose(log_det, -4 * np.log(deviations).sum(), rtol=1e-4)
    after = train(begun, 5 * first)[2]
    jax.tree.map(np.testing.assert_array_equal, begun, after)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_checkerboard_keeps_every_other_pixel_and_moves_the_rest(flipped):
    layer = Checkerboard(1, 2, 1, flipped)
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 1))
    params = shaken(layer.init(jax.random.key(1), x))
    same = np.isclose(layer.apply(params, x)[0], x)[0, :, :, 0]
    board = np.indices((4, 4)).sum(axis=0) % 2 == flipped
    np.testing.assert_array_equal(same, board)


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
            Recipe.build(recipes.plain("realnvp", "toy", **knobs)).shapes()


def test_a_learned_dequantisation_is_uniform_at_first_and_knows_its_density():
    module = models.build("variational_dequantizer", layers=2, width=3)
    x = jax.random.uniform(jax.random.key(0), (2, 2, 3, 1), minval=-1)
    params = jax.jit(module.init)(jax.random.key(1), x, KEY)
    u, log_q = module.apply(params, x, KEY)
    np.testing.assert_allclose(u, rng.uniform(KEY, x.shape), atol=1e-5)
    np.testing.assert_allclose(log_q, 0.0, atol=1e-4)
    noise = jax.random.normal(jax.random.key(2), x.shape)

    @jax.jit
    def both(params):
        warped = lambda e, x: module.apply(
            params, e.reshape(1, 2, 3, 1), x[None], method="warped"
        )
        flat = lambda e, x: warped(e, x)[0].ravel()
        slopes = jax.vmap(jax.jacfwd(flat))(noise.reshape(2, 6), x)
        log = jnp.sum(stats.logistic.logpdf(noise), axis=(1, 2, 3))
        return jax.vmap(lambda e, x: warped(e, x)[1][0])(noise, x), (
            log - jnp.linalg.slogdet(slopes)[1]
        )

    found, known = both(shaken(params))
    np.testing.assert_allclose(found, known, atol=1e-4)
    assert np.abs(found).max() > 0.1


def test_the_density_of_a_flow_behind_a_logit_is_that_of_the_jacobian():
    flow = models.build("coupling_flow", example_shape=(3,), logit=0.1, low=-2.0)
    flow = flow.clone(layers=2, hidden=(4,))
    x = jnp.array([[-1.9, 0.3, 0.9], [-2.0, 0.0, 1.0]])
    params = shaken(flow.init(jax.random.key(1), x, KEY))

    @jax.jit
    def both(params):
        code = lambda x: flow.apply(params, x[None], method="code")[0]
        z = jax.vmap(code)(x)
        log_det = jnp.linalg.slogdet(jax.vmap(jax.jacfwd(code))(x))[1]
        cost = flow.apply(params, x, KEY)
        return (
            cost,
            -log_det - jnp.sum(stats.norm.logpdf(z), axis=1),
            flow.apply(params, z, method="mean"),
        )

    cost, known, back = both(params)
    np.testing.assert_allclose(cost[0], known[0], atol=1e-4)
    np.testing.assert_allclose(back, x, atol=1e-4)
    assert np.isfinite(cost).all()


def test_images_are_drawn_at_whole_levels_and_a_logit_knows_its_bounds():
    flow = models.build("coupling_flow", example_shape=(6,), levels=5, hidden=(4,))
    variables = flow.init(KEY, jnp.zeros((2, 6)), KEY)
    x = np.asarray(flow.apply(variables, KEY, 50, method="draw"))
    assert set(np.unique(x)) == set(
        np.linspace(flow.low, flow.high, 5, dtype="float32")
    )
    bounded = models.build("coupling_flow", example_shape=(2,), logit=0.01)
    check_range(bounded, bounded.low, bounded.high)
    with pytest.raises(InputError, match="is of examples from"):
        check_range(bounded, -3.0, 3.0)
    levelled = models.build("coupling_flow", example_shape=(2,), levels=17, logit=0.01)
    check_range(levelled, -1.0, 1.0)
    with pytest.raises(InputError, match=r"levels from -1.0 to 1.0, and examples"):
        check_range(levelled, 0.0, 1.0)


def test_noise_within_levels_needs_levels():
    learned = models.build("variational_dequantizer")
    flow = models.build("coupling_flow", example_shape=(2,), dequantizer=learned)
    with pytest.raises(InputError, match="draws noise within levels, and levels=0"):
        flow.init(KEY, jnp.zeros((2, 2)), KEY)


def test_a_density_of_points_is_of_the_points_whatever_the_networks_compute_in():
    flow = models.build(
        "coupling_flow", example_shape=(2,), hidden=(4,), dtype=jnp.bfloat16
    )
    x = jnp.array([[2.001, 0.0], [2.007, 0.0]])
    cost = flow.apply(flow.init(KEY, x, KEY), x, KEY)
    np.testing.assert_allclose(cost, -stats.norm.logpdf(x).sum(1), rtol=1e-6)


def test_bits_of_levels_that_are_told_apart_by_nothing():
    flow = models.build("coupling_flow", example_shape=(4,), levels=8, layers=1)
    x = jnp.array([[-1.0, -0.7, 0.7, 1.0]])
    params = flow.init(jax.random.key(1), x, KEY)
    cost = flow.apply(params, x, KEY)  # the identity: a normal density of width 1/4
    seen, _ = flow.apply(params, x, KEY, method="dequantized")
    chance = np.asarray(stats.norm.pdf(seen)) / 4
    bits = -np.log2(chance).mean(axis=1)
    np.testing.assert_allclose(flow.bits_per_dimension(cost), bits, rtol=1e-5)


def shaken(params, amount=0.3):
    """Parameters away from where they start."""
    keys = iter(jax.random.split(jax.random.key(2), 200))
    noisy = lambda leaf: leaf + amount * jax.random.normal(next(keys), leaf.shape)
    return jax.tree.map(noisy, params)
