"""Importance-weighted likelihoods against probabilistic PCA, whose likelihood is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.vae import Vae
from scipy import special, stats

from genlab.data.dataset import Dataset
from genlab.data.prepare import Preparation
from genlab.data.split import ArraySplit
from genlab.errors import InputError
from genlab.game.network import Network
from genlab.game.turn import State
from genlab.metrics.importance_nll import curve, importance_nll, ladder
from genlab.objectives.bound import iwae
from genlab.plots.likelihood_curve import likelihood_curve
from genlab.registry import metrics, plots
from genlab.run.recipe import Recipe
from genlab.trained.needs import check_part
from genlab.trained.trained import Trained

WEIGHTS = np.random.default_rng(0).normal(0.7, 0.5, size=(3, 8)).astype(np.float32)
SCALE = 0.8
PRECISION = np.eye(3) + WEIGHTS @ WEIGHTS.T / SCALE**2


class Encoder(nn.Module):
    """The mean of the true posterior, and independent dimensions that it has not."""

    @nn.compact
    def __call__(self, x, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        mean = x @ np.linalg.solve(PRECISION, WEIGHTS / SCALE**2).T
        spread = np.log(np.diag(np.linalg.inv(PRECISION))).astype(np.float32)
        return mean, jnp.broadcast_to(spread, mean.shape)


class Linear(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False):
        self.param("none", nn.initializers.zeros, ())
        return z @ WEIGHTS


def probabilistic_pca(x):
    networks = {"encoder": Encoder(), "decoder": Linear()}
    experiment = Vae(
        {role: Network(role, module) for role, module in networks.items()},
        iwae,
        {},
        likelihood={"name": "gaussian", "scale": SCALE},
        latent_dim=3,
    )
    splits = {name: ArraySplit({"x": x}) for name in ("train", "validation", "test")}
    params, extra = experiment.init(jax.random.key(0), {"x": x})
    state = State(0, params, {}, extra)
    return Trained(experiment, state, Dataset("pca", splits, (8,)), Preparation(), 0)


def test_likelihood_of_probabilistic_pca_is_found():
    covariance = WEIGHTS.T @ WEIGHTS + SCALE**2 * np.eye(8)
    truth = stats.multivariate_normal(np.zeros(8), covariance)
    x = truth.rvs(130, random_state=0).astype(np.float32)
    found = importance_nll(probabilistic_pca(x), "test", samples=1000, rows=5000)
    exact = -truth.logpdf(x)
    assert found.values["nll"] == pytest.approx(exact.mean(), abs=0.05)
    assert found.values["nll"] == found.values["nll_1000"]
    assert found.values["sampling_error"] < 0.02
    assert found.values["example_error"] == pytest.approx(
        exact.std(ddof=1) / np.sqrt(len(x)), rel=0.05
    )
    curve = [found.values[f"nll_{k}"] for k in ladder(1000)]
    assert all(np.diff(curve) < 0) and curve[0] > exact.mean() + 0.3
    # With one draw it is the ELBO, above by KL(q || p(z|x)) of Gaussians of one mean.
    gap = np.log(np.diag(np.linalg.inv(PRECISION))).sum()
    gap = -0.5 * (gap + np.linalg.slogdet(PRECISION)[1])
    gap += 0.5 * (np.trace(PRECISION @ np.diag(np.diag(np.linalg.inv(PRECISION)))) - 3)
    assert curve[0] == pytest.approx(exact.mean() + gap, abs=0.05)
    assert found.protocol["samples"] == 1000 and found.protocol["examples"] == 130


def test_the_curve_is_of_groups_of_the_same_draws():
    weights = np.random.default_rng(1).normal(-100, 5, (4, 1000)).astype(np.float32)
    found = curve(weights, ladder(1000))
    for index, count in enumerate((1, 10, 50, 100, 500, 1000)):
        groups = weights.astype(np.float64).reshape(4, -1, count)
        expected = special.logsumexp(groups, axis=2) - np.log(count)
        np.testing.assert_allclose(found[:, index], expected.mean(axis=1), rtol=1e-12)


def test_counts_of_the_curve_divide_one_another():
    assert ladder(5000) == (1, 10, 50, 100, 500, 1000, 5000)
    assert ladder(120) == (1, 10, 120)
    assert (ladder(7), ladder(1)) == ((1, 7), (1,))


@pytest.mark.parametrize(
    ("name", "knobs", "message"),
    [
        ("importance_nll", {"samples": 0}, "samples=0 is not a whole number, 1"),
        ("importance_nll", {"rows": 10**12}, "rows=1000000000000"),
        ("importance_nll", {"rows": 2**31 - 1}, "decoded draws takes"),
        ("likelihood_curve", {"samples": 0}, "samples=0 is not a whole number, 1"),
    ],
)
def test_counts_that_cannot_be_are_refused_before_training(name, knobs, message):
    built = recipes.recipe("vae")
    registry = plots if name == "likelihood_curve" else metrics
    with pytest.raises(InputError, match=message):
        registry.check_knobs(name, knobs)
        part = registry.find(name)
        known = {**registry.knobs(name), **knobs}
        check_part(name, part, known, built.experiment, built.data)


def test_labels_are_given_where_the_model_takes_them():
    built = Recipe.build(recipes.plain("vae", "conditional"))
    found = importance_nll(built.trained(built.init_state()), "test", num=3, samples=2)
    assert np.isfinite(found.values["nll"]) and found.protocol["binarized"] == "dynamic"


def test_the_curve_is_drawn():
    x = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    picture = likelihood_curve(probabilistic_pca(x), num=20, samples=100)
    assert picture.shape == (640, 640, 3) and len(np.unique(picture)) > 20
