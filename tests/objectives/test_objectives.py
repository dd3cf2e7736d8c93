"""Objectives against closed forms, and every registered one at extreme inputs."""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genlab.boltzmann.mean_field import bernoulli_entropy
from genlab.features.digits_classifier import digits_network
from genlab.game import rng
from genlab.game.codes import Code
from genlab.models.dense import DenseEncoder
from genlab.objectives.adversarial import minimax, non_saturating
from genlab.objectives.bound import elbo, iwae
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import (
    bernoulli,
    coin_cross_entropy,
    cross_entropy,
    discretized_logistic,
    gaussian,
    mean_example,
)
from genlab.objectives.penalty import gradient_penalty, r1
from genlab.objectives.perceptual import deep_features
from genlab.objectives.regularizer import Encoding
from genlab.part import ask, result_and_memory
from genlab.registry import REQUIRED, objectives

LOG2 = np.log(2)


@pytest.mark.parametrize("objective", [minimax, non_saturating])
def test_discriminator_term_is_binary_cross_entropy(objective):
    real, fake = jnp.array([0.3, -2.0]), jnp.array([1.0, -0.5])
    terms = objective(real, fake)["discriminator"]
    np.testing.assert_allclose(terms["real"], -stats.logistic.logcdf(real), rtol=1e-5)
    np.testing.assert_allclose(terms["fake"], -stats.logistic.logsf(fake), rtol=1e-5)


def test_minimax_is_a_zero_sum_game_on_the_fakes():
    fake = jnp.array([1.0, -0.5])
    terms = minimax(fake, fake)
    np.testing.assert_array_equal(
        terms["generator"]["fake"], -terms["discriminator"]["fake"]
    )


def test_minimax_value_at_the_optimal_discriminator_is_the_jensen_shannon_divergence():
    data, model = np.array([0.1, 0.6, 0.3]), np.array([0.5, 0.2, 0.3])
    logits = jnp.log(data / model)  # D*(x) = p / (p + q)
    terms = minimax(logits, logits)["discriminator"]
    value = -(data @ terms["real"] + model @ terms["fake"])
    mixture = (data + model) / 2
    js = (stats.entropy(data, mixture) + stats.entropy(model, mixture)) / 2
    np.testing.assert_allclose(value, 2 * js - 2 * LOG2, rtol=1e-5)


def test_the_optimal_discriminator_of_two_gaussians_tells_their_jensen_shannon_divergence():
    x = np.linspace(-12.0, 12.0, 4001)
    data, model = stats.norm(-1.0, 1.0).pdf(x), stats.norm(1.0, 2.0).pdf(x)
    logits = jnp.asarray(
        stats.norm(-1.0, 1.0).logpdf(x) - stats.norm(1.0, 2.0).logpdf(x)
    )
    terms = minimax(logits, logits)["discriminator"]
    value = -np.trapezoid(data * terms["real"] + model * terms["fake"], x)
    halves = [p * np.log(2 * p / (data + model)) for p in (data, model)]
    js = np.trapezoid(sum(halves) / 2, x)
    assert 0.1 < js < LOG2
    np.testing.assert_allclose(value, 2 * js - 2 * LOG2, rtol=1e-5)

    def cost(shift):  # no other discriminator does better
        moved = minimax(logits + shift * x, logits + shift * x)["discriminator"]
        return jnp.trapezoid(data * moved["real"] + model * moved["fake"], x)

    assert abs(jax.grad(cost)(0.0)) < 1e-4 and cost(0.1) > cost(0.0) < cost(-0.1)


def test_non_saturating_gradient_survives_a_winning_discriminator():
    gradient = lambda f: jax.grad(lambda l: f(l, l)["generator"]["fake"][0])
    lost = jnp.array([-20.0])
    assert abs(gradient(minimax)(lost)[0]) < 1e-8
    np.testing.assert_allclose(gradient(non_saturating)(lost), [-1.0], rtol=1e-6)


@pytest.mark.parametrize("objective", [minimax, non_saturating])
def test_one_sided_label_smoothing_moves_the_optimum_of_real_logits_alone(objective):
    term = lambda l: objective(l, l, real_label=0.9)["discriminator"]
    optimum = jnp.array([np.log(0.9 / 0.1)], jnp.float32)
    slope = jax.grad(lambda l: term(l)["real"][0])(optimum)
    np.testing.assert_allclose(slope, [0.0], atol=1e-6)
    np.testing.assert_allclose(term(jnp.zeros(1))["fake"], [LOG2], rtol=1e-6)


def test_bernoulli_is_the_log_mass():
    logits, x = jnp.array([[0.3, -2.0, 4.0]]), jnp.array([[1.0, 0.0, 1.0]])
    mass = stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-logits.astype(float))))
    np.testing.assert_allclose(bernoulli(logits, x), [-mass.sum()], rtol=1e-5)


def test_gaussian_is_the_log_density():
    mean, x = jnp.array([[0.3, -2.0], [1.0, 1.0]]), jnp.array([[1.0, 0.0], [0.5, 2.0]])
    density = stats.norm.logpdf(x, mean, 0.7).sum(axis=1)
    np.testing.assert_allclose(gaussian(mean, x, scale=0.7), -density, rtol=1e-5)


@pytest.mark.parametrize(("mean", "scale"), [(0.3, 0.05), (1.7, 0.2), (0.5, 1e-3)])
def test_discretized_logistic_sums_to_one_over_its_levels(mean, scale):
    x = jnp.linspace(0, 1, 16)[:, None]
    nll = discretized_logistic(jnp.full_like(x, mean), x, scale=scale, levels=16)
    np.testing.assert_allclose(np.exp(-np.float64(nll)).sum(), 1, rtol=1e-4)
    edges = (np.arange(15) + 0.5) / 15
    below = np.concatenate([[0], stats.logistic.cdf(edges, mean, scale), [1]])
    likely = np.diff(below) > 1e-3
    np.testing.assert_allclose(nll[likely], -np.log(np.diff(below)[likely]), rtol=1e-3)


def test_cross_entropy_with_and_without_smoothing():
    logits, labels = jnp.array([[1.0, 2.0, 0.5]]), jnp.array([1])
    log_p = np.log(np.exp(logits[0]) / np.exp(logits[0]).sum())
    np.testing.assert_allclose(cross_entropy(logits, labels), [-log_p[1]], rtol=1e-6)
    smooth = 0.7 * -log_p[1] + 0.3 * -log_p.mean()
    np.testing.assert_allclose(
        cross_entropy(logits, labels, label_smoothing=0.3), [smooth], rtol=1e-6
    )


def test_gaussian_kl_against_numerical_integration():
    mean, log_variance = 0.7, -0.9
    q = stats.norm(mean, np.exp(log_variance / 2))
    grid = np.linspace(-12, 12, 200_001)
    integrand = q.pdf(grid) * (q.logpdf(grid) - stats.norm.logpdf(grid))
    kl = gaussian_kl(jnp.array([[mean]]), jnp.array([[log_variance]]))
    np.testing.assert_allclose(kl, [np.trapezoid(integrand, grid)], rtol=1e-5)
    np.testing.assert_array_equal(
        gaussian_kl(jnp.zeros((2, 3)), jnp.zeros((2, 3))), [0, 0]
    )


def test_elbo_weighs_the_kl_alone():
    terms = elbo(jnp.array([3.0]), jnp.array([2.0]), beta=4.0)
    assert float(terms["reconstruction"][0]) == 3.0
    assert float(terms["kl"][0]) == 8.0


def test_r1_on_a_quadratic_critic():
    critic = lambda x: jnp.sum(jnp.square(x), axis=(1, 2, 3))  # slope 2x
    real = jnp.arange(12.0).reshape(1, 2, 2, 3)
    expected = 0.5 * 3.0 * 4 * np.sum(np.arange(12.0) ** 2)
    np.testing.assert_allclose(r1(critic, real, -real, weight=3.0), [expected])


def test_gradient_penalty_on_a_linear_critic_and_between_data_and_fakes():
    slope = jnp.arange(1.0, 7.0).reshape(1, 2, 1, 3)
    critic = lambda x: jnp.sum(slope * x, axis=(1, 2, 3))
    real, key = jnp.zeros((4, 2, 1, 3)), jax.random.key(0)
    expected = 2.0 * (np.sqrt(91.0) - 1) ** 2
    found = gradient_penalty(critic, real, real + 1, key, weight=2.0)
    np.testing.assert_allclose(found, [expected] * 4, rtol=1e-6)
    # Of a quadratic critic, slope 2y: y = 1 - a, one a for all of an example, drawn by the key.
    square = lambda x: jnp.sum(jnp.square(x), axis=(1, 2, 3))
    ones = jnp.ones_like(real)
    share = rng.uniform(key, (4, 1, 1, 1))[:, 0, 0, 0]
    expected = (2 * np.sqrt(6) * (1 - share) - 1) ** 2
    found = gradient_penalty(square, real, ones, key, weight=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len(np.unique(share)) == 4


def test_importance_weighted_bound_by_hand():
    log_weights = jnp.log(jnp.array([[1.0, 3.0], [0.5, 0.5]]))
    bound = iwae(log_weights)["bound"]
    np.testing.assert_allclose(bound, [-LOG2, LOG2], rtol=1e-6)
    np.testing.assert_allclose(iwae(log_weights[:, 1:])["bound"], -log_weights[:, 1])


SIZES = {"B": 3, "D": 4, "Z": 4, "K": 5, "H": 8, "W": 8, "C": 1, "M": 3, "T": 6, "V": 5}
ARRAY = (
    r"^ {2,}%s: \[(?P<shape>[A-Z, ]+)\](?P<int> int)?(?: in (?P<range>[\[(].*?[\])]))?"
)


def _steep_critic(x):
    """A critic whose logits reach the hundreds on examples in the hundreds."""
    return jnp.sum(jnp.tanh(x / 100) * 100, axis=tuple(range(1, x.ndim)))


def _steep_generator(z):
    """A generator whose images of latents in the hundreds reach the hundreds."""
    return jnp.tanh(z[:, :, None, None] / 100) * jnp.full((1, 1, 8, 1), 100.0)


def _steep_heads(x):
    """What a discriminator tells whose logits of turns and codes reach the hundreds on examples in the
    hundreds."""
    values = x.reshape(x.shape[0], -1)
    return {"rotations": values[:, :4], "codes": values[:, : SIZES["B"] + 2]}


GIVEN = {
    "tell": _steep_heads,
    "key": jax.random.key(0),
    "step": jnp.int32(0),
    "codes": Code((jnp.eye(SIZES["B"]),), jnp.ones((SIZES["B"], 2))),
    "found_codes": Code(
        (200.0 - 400.0 * jnp.eye(SIZES["B"]),), jnp.full((SIZES["B"], 2), -200.0)
    ),
    "parameters": {"layer": {"kernel": jnp.linspace(-200.0, 200.0, 20).reshape(4, 5)}},
}


def _documented_arrays(name):
    """Arrays for an objective's positional arguments, from the shapes and ranges it documents."""
    part = objectives.find(name)
    arrays = {}
    for parameter in inspect.signature(part).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            continue
        documented = inspect.getdoc(part)
        if re.search(
            rf"^ +{parameter.name}: callable, examples", documented, re.MULTILINE
        ):
            arrays[parameter.name] = _steep_critic
            continue
        if re.search(
            rf"^ +{parameter.name}: callable, latents", documented, re.MULTILINE
        ):
            arrays[parameter.name] = _steep_generator
            continue
        if parameter.name in GIVEN:
            arrays[parameter.name] = GIVEN[parameter.name]
            continue
        if parameter.name == "memory":
            start = part.memory
            arrays["memory"] = start(GIVEN["parameters"]) if callable(start) else start
            continue
        found = re.search(ARRAY % parameter.name, documented, re.MULTILINE)
        assert found, f"{name} does not document the shape of {parameter.name!r}"
        shape = tuple(SIZES[size.strip()] for size in found["shape"].split(","))
        signs = jnp.where(jnp.arange(np.prod(shape)) % 2, 1.0, -1.0).reshape(shape)
        if found["int"]:
            arrays[parameter.name] = (jnp.arange(np.prod(shape)) % 2).reshape(shape)
            continue
        low, high = -200.0, 200.0
        if found["range"]:
            low, high = (float(end) for end in found["range"].strip("[]()").split(","))
        arrays[parameter.name] = jnp.where(signs > 0, high, low)
    return part, arrays


REGULARIZERS = [
    name
    for name in objectives
    if "encoding" in inspect.signature(objectives.find(name)).parameters
]


@pytest.mark.parametrize("name", REGULARIZERS)
def test_regularizers_are_finite_with_finite_gradients_at_extreme_inputs(name):
    """Of a dense sigmoid encoder whose activations reach the hundreds."""
    module = DenseEncoder((5,))
    x = jnp.where(jnp.arange(12) % 2, 200.0, -200.0).reshape(3, 4)
    params = module.init(jax.random.key(0), x)["params"]

    def values(params):
        encode = lambda x: module.apply({"params": params}, x)
        code = encode(x)
        slopes = lambda x: module.slopes(params, x)
        encoding = Encoding(encode, x, code, jnp.mean(code, axis=0), slopes)
        offered = {"encoding": encoding, "key": jax.random.key(1), "decoder": params}
        return ask(objectives.find(name), offered, "this test", "part")

    found = values(params)
    assert found.shape in ((3,), ())
    assert np.isfinite(found).all()
    gradient = jax.grad(lambda params: jnp.sum(values(params)))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


# They look at files, and are held to the same beside the networks in them.
OF_FILES = {"perceptual", "vgg_perceptual", "vgg_deep_features"}


def test_objectives_of_files_are_those_that_need_a_knob():
    needed = {
        name for name in objectives if REQUIRED in objectives.knobs(name).values()
    }
    assert needed == OF_FILES


@pytest.mark.parametrize("name", sorted(set(objectives) - {*REGULARIZERS, *OF_FILES}))
def test_per_example_and_finite_with_finite_gradients_at_extreme_inputs(name):
    part, arrays = _documented_arrays(name)
    knobs = objectives.knobs(name)
    found, _ = result_and_memory(name, part, part(*arrays.values(), **knobs))
    outputs = jax.tree.leaves(found)
    assert outputs
    for output in outputs:
        assert output.shape in ((SIZES["B"],), ())
        assert np.isfinite(output).all()
    real = {
        key: array
        for key, array in arrays.items()
        if isinstance(array, jax.Array) and array.dtype == jnp.float32
    }

    def total(real):
        found = part(*{**arrays, **real}.values(), **knobs)
        terms, _ = result_and_memory(name, part, found)
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(terms))

    for key, gradient in jax.grad(total)(real).items():
        assert np.isfinite(gradient).all(), key


def test_shapes_are_asserted_at_the_door():
    with pytest.raises(AssertionError):
        minimax(jnp.zeros((2, 1)), jnp.zeros((2, 1)))
    with pytest.raises(AssertionError):
        bernoulli(jnp.zeros((2, 3)), jnp.zeros((2, 1)))


def test_cross_entropy_keeps_value_and_slope_at_large_logits():
    """float32 against the same in float64: -t log s(l) - (1 - t) log s(-l), and s(l) - t."""
    logits = np.array([-90, -30, -17, -5, -1e-3, 0, 1e-3, 5, 17, 30, 90.0])
    for target in (0.0, 0.3, 0.9, 1.0):
        with np.errstate(over="ignore"):
            off, on = np.logaddexp(0, logits), np.logaddexp(0, -logits)
            slope = (1 - target) / (1 + np.exp(-logits)) - target / (1 + np.exp(logits))
        found = jax.vmap(
            jax.value_and_grad(lambda l, t=target: coin_cross_entropy(l, t))
        )
        value, gradient = found(jnp.asarray(logits, jnp.float32))
        expected = target * on + (1 - target) * off
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-37)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-30)
    x, outputs = jnp.ones((1, 2)), jnp.full((1, 2), 25.0)
    gradient = jax.grad(lambda l: bernoulli(l, x).sum())(outputs)
    np.testing.assert_allclose(gradient, -1 / (1 + np.exp(25.0)), rtol=1e-5)
    real = lambda l: non_saturating(l, l)["discriminator"]["real"].sum()
    np.testing.assert_allclose(
        jax.grad(real)(jnp.full(3, 25.0)), -1 / (1 + np.exp(25.0)), rtol=1e-5
    )


def test_entropy_of_units_keeps_value_and_slope_at_large_logits():
    logits = np.array([-40, -20, -5, -0.1, 0, 0.1, 5, 20, 40.0])
    p, q = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))
    expected = np.logaddexp(0, -logits) * p + np.logaddexp(0, logits) * q
    entropy = lambda l: bernoulli_entropy(l[None, None])[0]
    value, gradient = jax.vmap(jax.value_and_grad(entropy))(
        jnp.asarray(logits, jnp.float32)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, -logits * p * q, rtol=1e-4, atol=1e-12)


def test_deep_features_are_half_the_mean_squared_difference_of_each_map():
    """Of the classifier of digits that comes with genlab, whose maps are two."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 8, 8, 1)).astype(np.float32)
    x = generator.random((3, 8, 8, 1)).astype(np.float32)
    maps = digits_network().maps
    ours, theirs = maps(jax.nn.sigmoid(logits)), maps(jnp.asarray(x))
    expected = np.zeros(3)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape[0] == 3
        expected += [np.sum((a[i] - b[i]) ** 2) / (2 * a[i].size) for i in range(3)]
    assert len(ours) == 2
    found = deep_features(logits, x, weight=3.0)
    np.testing.assert_allclose(found, 3 * expected, rtol=1e-5)
    same = deep_features(logits, jax.nn.sigmoid(logits))
    np.testing.assert_allclose(same, 0, atol=1e-10)
    np.testing.assert_array_equal(
        mean_example("deep_features", logits), jax.nn.sigmoid(logits)
    )


@pytest.mark.parametrize("features", [7, 20])
def test_bernoulli_of_a_row_is_the_sum_of_its_coins(features):
    generator = np.random.default_rng(features)
    logits = (8 * generator.normal(size=(5, features))).astype(np.float32)
    x = generator.random((5, features)).astype(np.float32)
    logits[0], logits[1], x[:2] = 40.0, 0.0, 1.0  # large and right, and the kink

    def each(logits, x):
        return jnp.sum(coin_cross_entropy(logits, x), axis=1)

    found = bernoulli(logits, x)
    np.testing.assert_allclose(found, each(logits, x), rtol=1e-6, atol=1e-6)
    for argument in (0, 1):
        slopes = (
            jax.jit(jax.jacrev(function, argument))(logits, x)
            for function in (bernoulli, each)
        )
        np.testing.assert_allclose(*slopes, rtol=1e-5, atol=1e-7)
    kinked = logits[2] * (np.arange(features) % 2)  # some of them 0
    bent = (
        jax.jit(jax.hessian(lambda row, f=f: f(row[None], x[2:3])[0]))(kinked)
        for f in (bernoulli, each)
    )
    np.testing.assert_allclose(*bent, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32"])
def test_coins_may_be_whole_numbers(dtype):
    x = np.array([[0, 1, 1]], dtype)
    slope = jax.grad(lambda l: jnp.sum(bernoulli(l, x)))(jnp.zeros((1, 3)))
    np.testing.assert_allclose(slope, 0.5 - x.astype(float))
