"""Losses of two views and bounds of mutual information, against peers, closed forms and hand calculations."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genlab.errors import InputError
from genlab.game import parallel
from genlab.objectives.information import (
    donsker_varadhan,
    info_nce,
    jensen_shannon,
)
from genlab.objectives.two_view import (
    barlow_twins,
    byol,
    nt_xent,
    simsiam,
    supcon,
    vicreg,
)
from genlab.part import needs_of
from genlab.registry import objectives

GENERATOR = np.random.default_rng(0)
BOTH = ("nt_xent", "supcon", "barlow_twins", "vicreg")
SCORED = ("info_nce", "donsker_varadhan", "jensen_shannon")


def _views(count=8, width=5):
    shape = (2, count, width)
    return jnp.asarray(GENERATOR.normal(size=shape), jnp.float32)


def test_nt_xent_is_that_of_optax():
    first, second = _views()
    labels = jnp.tile(jnp.arange(8), 2)
    with jax.numpy_rank_promotion("allow"):
        theirs = optax.losses.ntxent(jnp.concatenate([first, second]), labels, 0.3)
    found = jnp.mean(nt_xent(first, second, temperature=0.3))
    np.testing.assert_allclose(found, theirs, rtol=1e-5)


def test_supcon_by_hand():
    """A loop over views and their positives, in float64."""
    first, second = _views(5, 3)
    label = np.array([0, 1, 0, 2, 0])
    views = np.float64(np.concatenate([first, second]))
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    kinds, found = np.tile(label, 2), []
    for i, one in enumerate(views):
        others = [j for j in range(10) if j != i]
        total = sum(np.exp(one @ views[j] / 0.2) for j in others)
        positives = [j for j in others if kinds[j] == kinds[i]]
        shares = [np.log(np.exp(one @ views[j] / 0.2) / total) for j in positives]
        found.append(-np.mean(shares))
    expected = (np.array(found[:5]) + found[5:]) / 2
    ours = supcon(first, second, jnp.asarray(label), temperature=0.2)
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_simsiam_and_byol_by_hand():
    p = jnp.array([[3.0, 4.0]]), jnp.array([[1.0, 0.0]])
    z = jnp.array([[0.0, 2.0]]), jnp.array([[4.0, 3.0]])
    cosines = 24 / 25, 0.0  # of p with z', of p' with z
    np.testing.assert_allclose(simsiam(*p, *z), [-sum(cosines) / 2], rtol=1e-6)
    np.testing.assert_allclose(byol(*p, *z), [4 - 2 * sum(cosines)], rtol=1e-6)


@pytest.mark.parametrize("objective", [simsiam, byol])
def test_no_gradient_reaches_the_targets(objective):
    p, z = _views(), _views()
    total = lambda p, z: jnp.sum(objective(*p, *z))
    of_predictions, of_targets = jax.grad(total, (0, 1))(p, z)
    assert np.abs(of_predictions).max() > 0
    np.testing.assert_array_equal(of_targets, 0)


def test_barlow_twins_by_hand():
    first = jnp.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    # The second column is the first of the other view, so that C = ((1, 1), (0, 0)).
    second = 3 + 2 * first[:, [0, 0]]
    terms = barlow_twins(first, second, redundancy=0.5)
    np.testing.assert_allclose(terms["invariance"], 1.0, rtol=1e-4)
    np.testing.assert_allclose(terms["redundancy"], 0.5, rtol=1e-4)


def test_vicreg_by_hand():
    first = jnp.array([[0.3, 0.1], [-0.3, -0.1], [0.0, 0.0]])
    second = first + jnp.array([[1.0, 0.0]])
    terms = vicreg(first, second, invariance=2.0, variance=3.0, covariance=5.0)
    np.testing.assert_allclose(terms["invariance"], [1.0] * 3, rtol=1e-5)
    # Unbiased: variances 0.09 and 0.01, covariance 0.03, of either view.
    short = np.mean(1 - np.sqrt([0.09 + 1e-4, 0.01 + 1e-4]))
    np.testing.assert_allclose(terms["variance"], 3 * short, rtol=1e-5)
    np.testing.assert_allclose(terms["covariance"], 5 * 2 * 0.03**2, rtol=1e-4)


def _correlated(count, correlation):
    """Pairs of standard Gaussians, and log p(x, y) / (p(x) p(y)) of all of them."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=count)
    y = correlation * x + np.sqrt(1 - correlation**2) * generator.normal(size=count)
    a, b = x[:, None], y[None]
    rest = 1 - correlation**2
    square = (a**2 - 2 * correlation * a * b + b**2) / rest - a**2 - b**2
    return jnp.asarray(-0.5 * np.log(rest) - 0.5 * square, jnp.float32)


def test_bounds_at_the_optimal_critic_of_correlated_gaussians():
    """I = -1/2 log(1 - r^2). Donsker-Varadhan meets it, InfoNCE comes near it from below; the optimum of
    Jensen-Shannon is by numerical integration."""
    count, correlation = 2000, 0.8
    scores = _correlated(count, correlation)
    information = -0.5 * np.log(1 - correlation**2)
    assert -jnp.mean(donsker_varadhan(scores)) == pytest.approx(information, abs=0.03)
    found = np.log(count) - jnp.mean(info_nce(scores))
    assert found == pytest.approx(information, abs=0.03)
    grid = np.linspace(-6, 6, 601)
    x, y = np.meshgrid(grid, grid)
    rest = 1 - correlation**2
    joint = np.exp(-(x**2 - 2 * correlation * x * y + y**2) / (2 * rest))
    joint /= joint.sum()
    apart = np.exp(-(x**2 + y**2) / 2)
    apart /= apart.sum()
    mixed = (joint + apart) / 2
    kl = lambda p: np.sum(p * np.log(p / mixed))
    expected = 2 * np.log(2) - kl(joint) - kl(apart)
    assert jnp.mean(jensen_shannon(scores)) == pytest.approx(expected, abs=0.02)


def test_info_nce_never_tells_more_than_the_logarithm_of_the_batch():
    count = 16
    scores = _correlated(count, 1 - 1e-9)  # I = 10 nats
    found = np.log(count) - jnp.mean(info_nce(scores))
    assert np.log(count) - 0.1 < found <= np.log(count) + 1e-6
    sure = info_nce(1e4 * jnp.eye(count))
    np.testing.assert_allclose(np.log(count) - sure, np.log(count), rtol=1e-6)


def test_donsker_varadhan_does_not_see_a_constant():
    scores = _correlated(32, 0.5)
    np.testing.assert_allclose(
        donsker_varadhan(scores + 7.0), donsker_varadhan(scores), atol=1e-5
    )


@pytest.mark.parametrize("name", (*BOTH, *SCORED))
def test_value_and_gradient_are_the_same_on_four_devices(name):
    objective, count = objectives.find(name), 8
    z = _views(count)
    label = jnp.arange(count) % 3

    def loss(weight, first, second, label):
        first = first @ weight
        offered = {"first": first, "second": second, "label": label}
        offered["scores"] = first @ parallel.gather_batch(second).T
        found = objective(**{need: offered[need] for need in needs_of(objective)})
        return sum(jnp.mean(term) for term in jax.tree.leaves(found))

    def on_one(weight, *batch):
        with parallel.mapped():
            return parallel.mean_over_devices(jax.value_and_grad(loss)(weight, *batch))

    weight = jnp.eye(5) + 0.1
    shares = [leaf.reshape(4, 2, *leaf.shape[1:]) for leaf in (*z, label)]
    apart = jax.pmap(on_one, parallel.BATCH, in_axes=(None, 0, 0, 0))(weight, *shares)
    whole = jax.value_and_grad(loss)(weight, *z, label)
    for one, other in zip(whole, apart, strict=True):
        np.testing.assert_allclose(one, other[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["nt_xent", "supcon", "barlow_twins", "vicreg", "jensen_shannon"]
)
def test_what_compares_examples_refuses_one_alone(name):
    z = jnp.ones((1, 1 if name == "jensen_shannon" else 4))
    arrays = {"jensen_shannon": (z,), "supcon": (z, z, jnp.zeros(1, int))}
    with pytest.raises(InputError, match="compares examples of a batch; take a train"):
        objectives.build(name)(*arrays.get(name, (z, z)))
