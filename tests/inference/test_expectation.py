"""EM against scikit-learn, hand calculations, and its own promise: the likelihood never falls."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.mixture import GaussianMixture

from genlab.errors import InputError
from genlab.inference import linear_gaussian, mixture
from genlab.inference.expectation import towards
from genlab.registry import models

KEY = jax.random.key(0)
KINDS = {"full": "full", "diagonal": "diag", "spherical": "spherical"}


def blobs(count=300):
    """Three Gaussians in the plane, one of them long."""
    generator = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 3.0]])
    noise = generator.normal(size=(count, 2)) * [1.0, 0.3]
    x = centres[generator.integers(3, size=count)] + noise
    return x.astype(np.float32)


def rounds(module, x, count, rate=1.0):
    """Statistics after each round of EM on all of x, and mean costs before each."""
    variables = jax.jit(module.init)(KEY, x, KEY)

    @jax.jit
    def step(params):
        def loss(params):
            return jnp.mean(module.apply({"params": params}, x, KEY, train=True))

        value, slope = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - rate * g, params, slope), value

    states, costs = [variables["params"]], []
    for _ in range(count):
        params, cost = step(states[-1])
        states.append(params)
        costs.append(float(cost))
    return states, costs


def test_a_step_towards_a_target_arrives_and_leaves_the_cost():
    now, target = {"a": jnp.arange(3.0)}, {"a": jnp.array([2.0, -1.0, 5.0])}
    cost = jnp.array([7.0, 9.0])
    value, slope = jax.value_and_grad(
        lambda now: jnp.mean(towards(cost * jnp.sum(now["a"]), now, target))
    )(now)
    assert value == 24.0
    np.testing.assert_array_equal(now["a"] - slope["a"], target["a"])


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind == "full" else pytest.param(kind, marks=pytest.mark.full)
        for kind in KINDS
    ],
)
def test_mixture_is_that_of_scikit_learn_round_by_round(kind):
    x = blobs()
    module = models.build(
        "gaussian_mixture", example_shape=(2,), components=3, covariance=kind
    )
    states, costs = rounds(module, x, 12)
    first = mixture.mixture_of(mixture.Statistics(**states[1]), 1e-6)
    scales = np.exp(0.5 * first.parts.log_variance)
    precision = {
        "full": lambda: np.linalg.inv(covariances(first)),
        "diagonal": lambda: scales**-2,
        "spherical": lambda: scales[:, 0] ** -2,
    }[kind]()
    peer = GaussianMixture(
        3,
        covariance_type=KINDS[kind],
        weights_init=np.exp(first.log_weights, dtype=np.float64)
        / np.exp(first.log_weights, dtype=np.float64).sum(),
        means_init=first.parts.mean,
        precisions_init=precision,
        max_iter=11,
        tol=0.0,
    )
    with pytest.warns(Warning, match="converge"):
        peer.fit(x.astype(np.float64))
    last = mixture.mixture_of(mixture.Statistics(**states[12]), 1e-6)
    np.testing.assert_allclose(last.parts.mean, peer.means_, atol=2e-4)
    np.testing.assert_allclose(np.exp(last.log_weights), peer.weights_, atol=1e-4)
    own = jax.jit(module.apply)({"params": states[12]}, x, KEY)
    np.testing.assert_allclose(own, -peer.score_samples(x), atol=2e-3)
    assert np.all(np.diff(costs) < 1e-5), "the likelihood fell"


def covariances(found):
    """S = U diag(e^v) U^T: [K, D, D]."""
    scaled = found.parts.factor * np.exp(0.5 * found.parts.log_variance)[:, None]
    return np.asarray(scaled @ scaled.mT)


def test_mixture_of_statistics_has_their_moments_and_density():
    weights, means = np.array([0.3, 0.7]), np.array([[1.0, 0.0], [-1.0, 2.0]])
    spreads = np.array([[[4.0, 2.0], [2.0, 1.25]], [[1.0, 0.0], [0.0, 1.0]]])
    squares = spreads + means[:, :, None] * means[:, None, :]
    by = weights[:, None, None]
    # Statistics are read up to a factor.
    parts = 0.2 * weights, 0.2 * weights[:, None] * means, 0.2 * by * squares
    given = mixture.Statistics(*(jnp.float32(part) for part in parts))
    found = jax.jit(mixture.mixture_of)(given, 0.5)
    spreads = spreads + 0.5 * np.eye(2)
    np.testing.assert_allclose(covariances(found), spreads, atol=1e-5)
    x = np.array([[0.5, 0.5], [3.0, -1.0]], np.float32)
    of_parts = zip(weights, means, spreads, strict=True)
    joint = [w * stats.multivariate_normal.pdf(x, m, s) for w, m, s in of_parts]
    own = np.exp(jax.jit(found.log_joint)(x))
    np.testing.assert_allclose(own, np.stack(joint, 1), rtol=1e-5)
    draws = jax.jit(lambda: found.draw(KEY, 20_000))()
    mean = weights @ means
    second = np.sum(by * (squares + 0.5 * np.eye(2)), axis=0)
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), second - np.outer(mean, mean), atol=0.1)


def test_a_component_that_saw_next_to_nothing_is_out_of_the_game():
    """A step of rate 1 takes its statistics to 0 but for rounding, of which no covariance can be made."""
    given = mixture.Statistics(
        jnp.float32([1.0, 5e-10]),
        jnp.float32([[0.0, 0.0], [2e-9, 1e-9]]),
        jnp.float32([np.eye(2), -1e-9 * np.eye(2)]),
    )
    found = jax.jit(mixture.mixture_of)(given, 1e-4)
    np.testing.assert_allclose(covariances(found)[1], (1 + 1e-4) * np.eye(2), rtol=1e-5)
    x = np.zeros((1, 2), np.float32)
    alone = stats.multivariate_normal.logpdf(x[0], cov=(1 + 1e-4) * np.eye(2))
    joint = jax.nn.logsumexp(found.log_joint(x), axis=1)
    np.testing.assert_allclose(joint, alone, rtol=1e-5)


def test_means_far_larger_than_deviations_leave_a_covariance():
    """What rounding takes of it is put back: E x x^T - m m^T is 1 here, of numbers of a million."""
    x = 1000 + np.random.default_rng(0).normal(size=(4000, 8)).astype(np.float32)
    like = mixture.blank_statistics(1, 8, "full")
    given = mixture.expected(jnp.ones((len(x), 1)), jnp.asarray(x), like)
    found = jax.jit(mixture.mixture_of)(given, 1e-6)
    assert np.isfinite(covariances(found)).all()
    assert np.linalg.eigvalsh(covariances(found)[0])[0] > 0


def test_statistics_that_no_data_have_leave_the_diagonal():
    squares = jnp.float32([[[1.0, 2.0], [2.0, 1.0]]])
    given = mixture.Statistics(jnp.ones(1), jnp.zeros((1, 2)), squares)
    found = jax.jit(mixture.mixture_of)(given, 0.5)
    np.testing.assert_allclose(covariances(found)[0], 1.5 * np.eye(2), rtol=1e-5)


def test_seeds_lie_in_every_blob_and_repeat_no_example():
    centres = np.repeat(np.eye(5) * 20, 8, axis=0)
    x = jnp.asarray(centres + np.random.default_rng(0).normal(size=centres.shape))
    far_apart = jax.jit(mixture.far_apart, static_argnums=2)
    found = far_apart(x, KEY, 5)
    assert sorted(np.argmax(found, axis=1)) == [0, 1, 2, 3, 4]
    # Of too few examples the rest are copies, and nothing breaks.
    same = far_apart(jnp.ones((2, 3)), KEY, 4)
    np.testing.assert_array_equal(same, np.ones((4, 3)))
    like = mixture.blank_statistics(4, 3, "full")
    found = jax.jit(mixture.seeded)(jnp.ones((2, 3)), KEY, like, 1e-3)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


def linear_data(noise):
    """200 points of a model with two latents in six dimensions."""
    generator = np.random.default_rng(1)
    loadings = generator.normal(size=(2, 6)) * 2
    x = generator.normal(size=(200, 2)) @ loadings + 5.0
    return (x + noise * generator.normal(size=(200, 6))).astype(np.float32)


@pytest.mark.parametrize("noise", linear_gaussian.NOISES)
def test_linear_models_reach_the_likelihood_of_scikit_learn(noise):
    spread = 0.5 if noise == "isotropic" else np.linspace(0.3, 1.0, 6)
    x = linear_data(spread)
    module = models.build(
        "factor_analysis", example_shape=(6,), latent_dim=2, noise=noise
    )
    states, costs = rounds(module, x, 100)
    peer = PCA(2) if noise == "isotropic" else FactorAnalysis(2, tol=1e-8)
    score = peer.fit(x.astype(np.float64)).score_samples(x.astype(np.float64))
    own = jax.jit(module.apply)({"params": states[-1]}, x, KEY)
    # scikit-learn divides the discarded variance of PCA by N - 1.
    np.testing.assert_allclose(own.mean(), -score.mean(), atol=2e-3)
    assert np.all(np.diff(costs) < 1e-5), "the likelihood fell"


def test_linear_density_by_hand():
    generator = np.random.default_rng(2)
    mean, loadings = generator.normal(size=4), generator.normal(size=(4, 2))
    variance = np.array([0.5, 1.0, 0.2, 2.0])
    model = linear_gaussian.LinearGaussian(
        *map(jnp.asarray, (mean, loadings, variance))
    )
    covariance = loadings @ loadings.T + np.diag(variance)
    x = generator.normal(size=(5, 4)).astype(np.float32)
    known = stats.multivariate_normal.logpdf(x, mean, covariance)
    np.testing.assert_allclose(jax.jit(model.log_density)(x), known, rtol=1e-5)
    # E[z|x] = W^T C^-1 (x - m), cov = I - W^T C^-1 W.
    gain = loadings.T @ np.linalg.inv(covariance)
    z, spread = jax.jit(model.posterior)(x)
    np.testing.assert_allclose(z, (x - mean) @ gain.T, atol=1e-5)
    np.testing.assert_allclose(spread, np.eye(2) - gain @ loadings, atol=1e-5)
    draws = jax.jit(lambda: model.draw(KEY, 20_000))()
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.15)


def test_half_a_step_is_half_of_the_way_and_forgets_no_start():
    x = blobs(64)
    module = models.build("gaussian_mixture", example_shape=(2,), components=3)
    (_, whole), (_, half) = (rounds(module, x, 1, rate)[0] for rate in (1.0, 0.5))
    for one, other in zip(whole.values(), half.values(), strict=True):
        np.testing.assert_allclose(other, one / 2, rtol=1e-6)
    of = jax.jit(mixture.mixture_of)
    mixtures = [of(mixture.Statistics(**s), 0.0) for s in (whole, half)]
    np.testing.assert_allclose(
        mixtures[0].parts.mean, mixtures[1].parts.mean, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("gaussian_mixture", dict(covariance="round")),
        ("factor_analysis", dict(noise="loud")),
        ("gaussian_mixture", dict(example_shape=(3,))),
    ],
)
def test_what_does_not_fit_is_refused(name, knobs):
    module = models.build(name, **{"example_shape": (2,), **knobs})
    with pytest.raises(InputError, match=r"round|loud|example_shape"):
        jax.eval_shape(functools.partial(module.init, KEY), jnp.zeros((2, 2)), KEY)
