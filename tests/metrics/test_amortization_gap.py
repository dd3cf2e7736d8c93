"""Gaps of inference in a linear model, where the best Gaussian and log p(x) are known."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from genlab.shipped.experiments.vae import Vae
from scipy import stats

from genlab.data.dataset import Dataset
from genlab.data.prepare import Preparation
from genlab.data.split import ArraySplit
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.network import Network
from genlab.game.turn import Draw, State
from genlab.metrics.amortization_gap import amortization_gap
from genlab.models.shared_gaussian import SharedGaussian
from genlab.objectives.bound import elbo
from genlab.trained.trained import Trained

WEIGHTS = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
SCALE = 0.8
PRECISION = np.eye(3) + WEIGHTS @ WEIGHTS.T / SCALE**2


class Linear(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False):
        return z @ self.param("weights", lambda _: jnp.asarray(WEIGHTS))


def linear_vae(x, **knobs):
    networks = {"encoder": SharedGaussian(3), "decoder": Linear()}
    experiment = Vae(
        {role: Network(role, module) for role, module in networks.items()},
        elbo,
        {},
        likelihood={"name": "gaussian", "scale": SCALE},
        latent_dim=3,
        **knobs,
    )
    splits = {name: ArraySplit({"x": x}) for name in ("train", "validation", "test")}
    params, extra = experiment.init(jax.random.key(0), {"x": x})
    state = State(0, params, {}, extra)
    return Trained(experiment, state, Dataset("pca", splits, (8,)), Preparation(), 0)


def draws(count):
    """Examples of the model, and its density."""
    covariance = WEIGHTS.T @ WEIGHTS + SCALE**2 * np.eye(8)
    truth = stats.multivariate_normal(np.zeros(8), covariance)
    return truth.rvs(count, random_state=0).astype(np.float32), truth


# KL(best || p(z|x)): the best has its mean, and the precisions of its dimensions alone.
APPROXIMATION = 0.5 * (
    np.log(np.diag(PRECISION)).sum() - np.linalg.slogdet(PRECISION)[1]
)


def test_both_gaps_of_a_linear_model_are_found():
    x, truth = draws(100)
    found = amortization_gap(linear_vae(x), "test", steps=400, learning_rate=0.1)
    mean = x @ np.linalg.solve(PRECISION, WEIGHTS / SCALE**2).T
    # KL(N(0, I) || p(z|x)), of which the best Gaussian keeps the approximation gap.
    away = np.einsum("ni,ij,nj->n", mean, PRECISION, mean)
    start = 0.5 * (np.trace(PRECISION) - 3 + away - np.linalg.slogdet(PRECISION)[1])
    values = found.values
    assert values["gap"] == pytest.approx(start.mean() - APPROXIMATION, rel=0.02)
    assert values["gap_error"] == pytest.approx(
        start.std(ddof=1) / np.sqrt(len(x)), rel=0.1
    )
    assert values["nll"] == pytest.approx(-truth.logpdf(x).mean(), abs=0.05)
    assert values["approximation_gap"] == pytest.approx(APPROXIMATION, abs=0.05)
    total = values["gap"] + values["approximation_gap"]
    assert values["inference_gap"] == pytest.approx(total, rel=1e-6)
    assert found.protocol["examples"] == 100


def test_a_refined_posterior_closes_the_gap_and_training_sees_through_it():
    x, truth = draws(64)
    plain = linear_vae(x)
    knobs = dict(refine_steps=300, refine_rate=0.1)
    refined = dataclasses.replace(plain.experiment, **knobs)
    draw = Draw({"x": jnp.asarray(x)}, rng.stream(0, "test"), jnp.int32(0))

    @jax.jit
    def bound(params):
        return jnp.mean(refined.measure(params, plain.extra, draw)["negative_elbo"])

    best = -truth.logpdf(x).mean() + APPROXIMATION
    assert float(bound(plain.params)) == pytest.approx(best, abs=0.5)
    few = dataclasses.replace(plain.experiment, refine_steps=2)
    slope = jax.grad(
        lambda params: sum(
            jnp.mean(term)
            for term in few._loss(params, plain.extra, draw).terms.values()
        )
    )
    found = jax.jit(slope)(plain.params)["vae"]
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(found))


def test_a_flow_is_not_refined():
    plain = linear_vae(draws(4)[0]).experiment
    networks = {**plain.networks, "flow": Network("flow", Linear())}
    networks["encoder"] = Network(
        "encoder", type("Seen", (SharedGaussian,), {"features": 0})(3)
    )
    with pytest.raises(InputError, match="refine"):
        dataclasses.replace(plain, networks=networks, refine_steps=1)
