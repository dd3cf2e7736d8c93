"""Samplers and likelihoods of the exact model of a Gaussian."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from genlab.diffusion import adaptive, transport
from genlab.diffusion.adaptive import SOLVERS
from genlab.diffusion.likelihood import log_density
from genlab.diffusion.sampler import check_data, clipped, draw_along
from genlab.errors import InputError
from genlab.registry import paths, samplers

MEAN, STD = jnp.array([[0.5, -1.0]]), jnp.array([[0.3, 0.8]])
KEY = jax.random.key(0)


def denoise(path):
    """E[x | x_t] and E[epsilon | x_t] of x ~ N(MEAN, STD^2)."""

    def told(x_t, time):
        alpha, sigma = path.levels(time)
        gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
        x = MEAN + gain * (x_t - alpha * MEAN)
        # As (x_t - alpha x) / sigma, but for sigma of 0.
        noise = sigma * (x_t - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)
        return x, noise

    return told


def starts(path, num=20_000):
    alpha, sigma = path.levels(jnp.ones(()))
    noise = jax.random.normal(KEY, (num, 2))
    return alpha * MEAN + jnp.sqrt(alpha**2 * STD**2 + sigma**2) * noise


def flowed(path, start):
    """Where the probability flow of a Gaussian ends: it keeps the distance in standard deviations."""
    alpha, sigma = path.levels(jnp.ones(()))
    return MEAN + STD * (start - alpha * MEAN) / jnp.sqrt(alpha**2 * STD**2 + sigma**2)


@pytest.mark.parametrize(
    ("path", "name"),
    [("straight", name) for name in sorted(samplers) if name != "renoised"]
    + [
        pytest.param(*pair, marks=pytest.mark.full)
        for pair in (
            *((path, "ancestral") for path in sorted(paths) if path != "straight"),
            ("variance_exploding", "heun"),
        )
    ],
)
def test_samples_have_the_moments_of_the_data(path, name):
    path, sampler = paths.build(path), samplers.build(name, steps=400)
    found = draw_along(sampler, path, denoise(path), starts(path), KEY)
    np.testing.assert_allclose(found.mean(0), MEAN[0], atol=0.03)
    np.testing.assert_allclose(found.std(0), STD[0], rtol=0.07)


def test_heun_on_variance_exploding_is_algorithm_1_of_the_paper():
    """Karras et al. 2022 without churn: N levels of noise, then 0, and the last step Euler's."""
    path, count = paths.build("variance_exploding"), 18
    start = starts(path, 5)
    inverse = 1 / path.rho
    ends = (path.high**inverse, path.low**inverse)
    levels = [*(np.linspace(*ends, count) ** path.rho), 0.0]

    def example(x, sigma):
        gain = STD**2 / (STD**2 + sigma**2)
        return np.asarray(MEAN + gain * (x - MEAN))

    x = np.asarray(start, np.float64)
    for sigma, less in itertools.pairwise(levels):
        slope = (x - example(x, sigma)) / sigma
        moved = x + (less - sigma) * slope
        if less > 0:
            slope = (slope + (moved - example(moved, less)) / less) / 2
            moved = x + (less - sigma) * slope
        x = moved
    sampler = samplers.build("heun", steps=count)
    found = draw_along(sampler, path, denoise(path), start, KEY)
    np.testing.assert_allclose(found, x, rtol=2e-3, atol=2e-3)


def test_one_call_of_a_path_that_begins_in_noise_is_made_at_its_end():
    path = paths.build("variance_exploding")

    def denoise_once(x_t, time):
        return 0 * x_t + time, x_t

    sampler = samplers.build("renoised", steps=1)
    found = draw_along(sampler, path, denoise_once, starts(path, 3), KEY)
    np.testing.assert_array_equal(found, 1.0)


@pytest.mark.parametrize("name", ["euler", "midpoint", "heun", "ddim"])
def test_samplers_of_the_flow_are_the_flow(name):
    path = paths.build("straight")
    start = starts(path, 50)
    errors = [
        jnp.abs(
            draw_along(
                samplers.build(name, steps=steps), path, denoise(path), start, KEY
            )
            - flowed(path, start)
        ).max()
        for steps in (20, 40)
    ]
    order = 2 if name in ("midpoint", "heun") else 1
    assert errors[1] < errors[0] * 0.75**order and errors[1] < 0.1**order


@pytest.mark.parametrize("path", ["straight", "variance_preserving", "cosine"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_adaptive_steps_are_the_flow_within_their_tolerance(path, solver):
    path = paths.build(path)
    start = starts(path, 50)
    errors = []
    for tolerance in (1e-2, 1e-4):
        knobs = dict(relative=tolerance, absolute=tolerance, solver=solver)
        sampler = samplers.build("adaptive", **knobs)
        found = draw_along(sampler, path, denoise(path), start, KEY)
        errors.append(jnp.abs(found - flowed(path, start)).max())
    assert errors[1] < 2e-3 and errors[1] < errors[0] < 0.2


def test_too_few_adaptive_steps_are_no_samples():
    path = paths.build("straight")
    sampler = samplers.build("adaptive", steps=2)
    found = draw_along(sampler, path, denoise(path), starts(path, 5), KEY)
    assert jnp.isnan(found).all()


def test_adaptive_sampling_says_what_it_lacks(monkeypatch):
    with pytest.raises(InputError, match="did you mean 'tsit5'"):
        samplers.build("adaptive", solver="tsit4")
    monkeypatch.setattr(adaptive.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs diffrax.*pip install .*\[ode\]"):
        samplers.build("adaptive")


def test_ddim_on_a_straight_path_is_euler():
    path = paths.build("straight")
    first, second = (
        draw_along(
            samplers.build(name, steps=7), path, denoise(path), starts(path, 9), KEY
        )
        for name in ("ddim", "euler")
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("path", sorted(paths))
def test_density_of_a_gaussian_is_exact(path):
    """That of the model: noise at time 1 taken back along the flow, which is affine."""
    path = paths.build(path)
    x = MEAN + STD * jax.random.normal(KEY, (6, 2))
    found = log_density(path, denoise(path), x, KEY, steps=100, exact=True)
    alpha, sigma = path.levels(jnp.ones(()))
    slope = jnp.sqrt(alpha**2 * STD**2 + sigma**2) / STD
    end = alpha * MEAN + slope * (x - MEAN)
    true = jax.scipy.stats.norm.logpdf(end, 0.0, sigma) + jnp.log(slope)
    np.testing.assert_allclose(found, true.sum(1), atol=1e-3)
    if path.ends_in_noise:
        data = jax.scipy.stats.norm.logpdf(x, MEAN, STD)
        np.testing.assert_allclose(found, data.sum(1), atol=1e-3)


def test_estimated_divergence_is_right_in_the_mean():
    path = paths.build("straight")
    turn = jnp.array([[0.8, 0.6], [-0.6, 0.8]])  # so that the Jacobian is not diagonal

    def turned(x_t, time):
        x, noise = denoise(path)(x_t @ turn.T, time)
        return x @ turn, noise @ turn

    x = jnp.tile(MEAN @ turn, (400, 1))
    found = log_density(path, turned, x, KEY, steps=30, exact=False)
    exact = log_density(path, turned, x[:1], KEY, steps=30, exact=True)
    assert found.std() > 0.01
    assert abs(found.mean() - exact[0]) < 4 * found.std() / 20


def test_transport_is_the_assignment_of_least_cost():
    x, noise = jax.random.normal(KEY, (2, 12, 3))
    found = transport.paired(x, noise)
    costs = np.square(np.asarray(x)[:, None] - np.asarray(noise)[None]).sum(-1)
    rows, columns = scipy.optimize.linear_sum_assignment(costs)
    np.testing.assert_array_equal(found, np.asarray(noise)[columns][np.argsort(rows)])


@pytest.mark.parametrize("name", sorted(samplers))
def test_predictions_beyond_all_examples_change_nothing(name):
    path, gap = paths.build("variance_exploding"), []
    for clip in (None, (-50.0, 50.0)):
        sampler = samplers.build(name, steps=100, clip=clip)
        gap.append(draw_along(sampler, path, denoise(path), starts(path, 50), KEY))
    np.testing.assert_allclose(*gap, atol=2e-3)


def test_a_clipped_prediction_leaves_its_noise_as_the_posterior_has_it():
    """Ho et al. 2020, equation 7: the mean of q(x_s | x_t, x) at the clipped x."""
    path, sampler = paths.build("straight"), samplers.build("ancestral", clip=(-1, 1))
    now, then = jnp.array(0.8), jnp.array(0.5)
    x_t, x = jnp.array([[2.0]]), 1.0  # of the 3 that is predicted
    told = clipped(path, lambda x, time: (3 + 0 * x, 7 + 0 * x), *sampler.clip)
    found = sampler.step(path, told, x_t, now, then, jnp.zeros_like(x_t))
    (alpha, sigma), (alpha_s, sigma_s) = (0.2, 0.8), (0.5, 0.5)
    ratio = alpha / alpha_s
    step = sigma**2 - (ratio * sigma_s) ** 2
    mean = (ratio * sigma_s**2 * x_t + alpha_s * step * x) / sigma**2
    np.testing.assert_allclose(found, mean, rtol=1e-5)


def test_clipped_samples_lie_between_the_ends():
    path, clip = paths.build("cosine"), (0.2, 0.6)
    sampler = samplers.build("ddim", steps=20, clip=clip)
    found = draw_along(sampler, path, denoise(path), starts(path, 100), KEY)
    assert clip[0] - 1e-3 <= found.min() and found.max() <= clip[1] + 1e-3


@pytest.mark.parametrize("clip", [(1.0, -1.0), (0.0, 1.0, 2.0), (1.0, 1.0)])
def test_ends_that_nothing_lies_between_are_refused(clip):
    with pytest.raises(InputError, match="is no range"):
        samplers.build("heun", clip=clip)


def test_a_clip_within_the_examples_is_refused():
    with pytest.raises(InputError, match="outside clip"):
        check_data(samplers.build("ddim", clip=(0.0, 1.0)), -1.0, 1.0)
    check_data(samplers.build("ddim", clip=(0.0, 1.0)), 0.0, 1.0)
