"""Consistency models: their boundary, their targets, and the exact map of a Gaussian."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from genlab.shipped.experiments.diffusion import PLAYER, Diffusion

from genlab.diffusion import consistency
from genlab.diffusion.sampler import draw_along
from genlab.errors import InputError
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.denoising import min_snr, prediction_error, pseudo_huber
from genlab.registry import paths, samplers

KEY = jax.random.key(0)
MEAN, STD = jnp.array([[0.5, -1.0]]), jnp.array([[0.3, 0.8]])


class Linear(nn.Module):
    """w x_t, whatever the time."""

    example_shape: tuple = (2,)

    @nn.compact
    def __call__(self, x, time, *, train: bool = False):
        return self.param("w", nn.initializers.constant(0.7), ()) * x


def end_of_trajectory(x_t, time):
    """Of the straight path and x ~ N(MEAN, STD^2), whose flow keeps the distance in standard deviations."""
    alpha, sigma = 1 - time, time
    return MEAN + STD * (x_t - alpha * MEAN) / jnp.sqrt((alpha * STD) ** 2 + sigma**2)


class Exact(nn.Module):
    """The velocity target's prediction of that map: f = x_t - t F."""

    example_shape: tuple = (2,)

    @nn.compact
    def __call__(self, x, time, *, train: bool = False):
        self.param("none", nn.initializers.zeros, ())
        time = time[:, None]
        return (x - end_of_trajectory(x, time)) / time


def model(module, objective=prediction_error, **knobs):
    knobs = (
        dict(path="straight", target="velocity", sampler="renoised", gap=0.1) | knobs
    )
    networks = {PLAYER: Network(PLAYER, module)}
    return Diffusion(networks, objective, {}, **knobs)


@pytest.mark.parametrize(
    ("path", "target"),
    [("straight", "velocity"), ("cosine", "v"), ("variance_preserving", "v")],
)
def test_an_example_without_noise_is_its_own(path, target):
    experiment = model(Linear(), path=path, target=target)
    x = jax.random.normal(KEY, (5, 2))
    params, extra = experiment.init(KEY, {"x": x})
    found, _ = experiment._denoise(params, extra, None)(x, jnp.zeros(()))
    np.testing.assert_allclose(found, x, atol=1e-6)


@pytest.mark.parametrize("target_rate", [None, 0.25])
def test_the_gradient_is_that_of_the_later_prediction_alone(target_rate):
    """f = (1 - t w) x_t; of the target network w is the mean of both by the rate."""
    experiment = model(Linear(), target_rate=target_rate)
    x = jax.random.normal(KEY, (4, 2))
    params, extra = experiment.init(KEY, {"x": x})
    extra |= experiment.followers(params)
    params = {PLAYER: {PLAYER: {"w": jnp.float32(0.3)}}}  # it has moved from 0.7
    draw = Draw({"x": x}, jax.random.key(3), jnp.int32(0))
    seen = {}
    object.__setattr__(
        experiment,
        "objective",
        lambda prediction, target, time: (
            seen.update(time=time) or prediction_error(prediction, target)
        ),
    )
    loss = lambda params, extra: jnp.mean(
        experiment._loss(params, extra, draw).terms["objective"]
    )
    found = jax.grad(loss)(params, extra)[PLAYER][PLAYER]["w"]
    loss(params, extra)
    time = np.asarray(seen["time"])[:, None]
    noise = np.asarray(experiment._noise(draw.key("noise"), x))
    followed = 0.3 if target_rate is None else 0.7 + 0.25 * (0.3 - 0.7)
    x_t = (1 - time) * x + time * noise
    x_r = (1 - 0.9 * time) * x + 0.9 * time * noise
    gap = (1 - 0.3 * time) * x_t - (1 - 0.9 * time * followed) * x_r
    np.testing.assert_allclose(found, np.mean(2 * gap * -time * x_t), rtol=1e-4)


def test_the_exact_map_of_a_gaussian_is_a_fixed_point():
    """What is expected of the target at x_t is the prediction there, up to the square of the gap.

    The map is affine, so that the expectation is its value at E[x | x_t] and E[noise | x_t]."""
    time = jnp.linspace(0.05, 1.0, 8)
    t = time[:, None]
    x_t = (1 - t) * MEAN + jax.random.normal(KEY, (8, 2))
    variance = ((1 - t) * STD) ** 2 + t**2
    x = MEAN + (1 - t) * STD**2 / variance * (x_t - (1 - t) * MEAN)
    noise = t / variance * (x_t - (1 - t) * MEAN)

    def furthest(gap):
        experiment = model(Exact(), gap=gap)
        params, extra = experiment.init(KEY, {"x": x})
        network = experiment.networks[PLAYER]
        call = lambda params, *inputs: (network(params, extra, *inputs), extra)
        seen, _ = experiment._judged(call, params, extra, x, noise, time)
        np.testing.assert_allclose(seen["width"], gap * time, rtol=1e-5)
        np.testing.assert_allclose(
            seen["prediction"], end_of_trajectory(x_t, t), atol=1e-5
        )
        return jnp.abs(seen["prediction"] - seen["target"]).max()

    assert 0.2 < furthest(0.05) / furthest(0.1) < 0.3
    assert furthest(0.05) < 0.01


def test_one_call_ends_the_trajectory_and_several_keep_the_distribution():
    path = paths.build("straight")
    start = jax.random.normal(KEY, (20_000, 2))
    denoise = lambda x, time: (end_of_trajectory(x, time), x)
    once = draw_along(samplers.build("renoised"), path, denoise, start, KEY)
    np.testing.assert_allclose(once, MEAN + STD * start, atol=1e-5)
    often = draw_along(samplers.build("renoised", steps=4), path, denoise, start, KEY)
    np.testing.assert_allclose(often.mean(0), MEAN[0], atol=0.02)
    np.testing.assert_allclose(often.std(0), STD[0], rtol=0.02)
    assert jnp.abs(often - once).max() > 0.5


@pytest.mark.parametrize("path", ["straight", "variance_exploding"])
def test_every_call_of_several_is_of_fresh_noise(path):
    """At even times from 1 to above 0, the first of which sees the start; what comes out is predicted."""
    path, seen = paths.build(path), []

    def denoise(x, time):
        jax.debug.callback(lambda *now: seen.append(now), time, x.std(), ordered=True)
        return 0 * x, x

    start = path.levels(jnp.ones(()))[1] * jax.random.normal(KEY, (20_000, 2))
    found = draw_along(samplers.build("renoised", steps=4), path, denoise, start, KEY)
    jax.effects_barrier()
    times, spreads = map(np.asarray, zip(*seen, strict=True))
    np.testing.assert_allclose(times, [1, 0.75, 0.5, 0.25])
    np.testing.assert_allclose(spreads, path.levels(jnp.float32(times))[1], rtol=0.02)
    np.testing.assert_array_equal(found, 0.0)


def test_pseudo_huber_is_that_of_the_paper():
    prediction, target = jnp.array([[3.0, 0.0], [1e-4, 0.0]]), jnp.zeros((2, 2))
    found = pseudo_huber(prediction, target, jnp.array([0.5, 0.1]), c=0.02)
    distance = np.float64([3.0, 1e-4])
    expected = (np.sqrt(distance**2 + 0.02**2) - 0.02) / [0.5, 0.1]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_what_does_not_go_together_is_refused():
    for knobs, told in (
        (dict(sampler="euler"), "take 'renoised'"),
        (dict(gap=None), "set experiment.gap"),
        (dict(gap=None, sampler="euler", target_rate=0.1), "target_rate"),
        (dict(target="data"), "'data' lets a consistency model be constant"),
        (dict(objective=min_snr), "'min_snr' does not compare"),
    ):
        with pytest.raises(InputError, match=told):
            model(Linear(), **knobs)
    with pytest.raises(InputError, match="probability flow"):
        model(Linear()).log_density({}, {}, jnp.zeros((1, 2)), KEY)
    assert consistency.earlier(jnp.float32(0.5), 1.0) > 0
