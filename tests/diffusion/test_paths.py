"""Paths, targets and losses of diffusion by their formulas."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.diffusion import PLAYER, Diffusion

from genlab.diffusion.target import both
from genlab.errors import InputError
from genlab.game.network import Network
from genlab.objectives.denoising import min_snr, prediction_error
from genlab.registry import paths, targets
from genlab.run.recipe import Recipe

TIMES = jnp.linspace(0.01, 1.0, 7)


def test_variance_preserving_is_the_limit_of_a_thousand_steps():
    betas = np.linspace(1e-4, 0.02, 1000)
    kept = np.sqrt(np.cumprod(1 - betas))
    alpha, sigma = paths.build("variance_preserving").levels(jnp.arange(1, 1001) / 1000)
    np.testing.assert_allclose(alpha, kept, rtol=0.06, atol=3e-4)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, rtol=1e-6)


def test_cosine_by_hand():
    alpha, sigma = paths.build("cosine", offset=0.01).levels(jnp.array([0.0, 0.5]))
    angle = 0.5 * np.pi * np.array([0.01, 0.4995 + 0.01]) / 1.01
    np.testing.assert_allclose(alpha, np.cos(angle) / np.cos(angle[0]), rtol=1e-6)
    assert sigma[0] == 0.0


def test_variance_exploding_has_the_grid_and_the_levels_of_the_paper():
    path = paths.build("variance_exploding")
    grid = path.levels(jnp.linspace(1.0, 0.0, 18))[1]
    i, inverse = np.arange(18), 1 / 7
    ends = 80**inverse, 0.002**inverse
    np.testing.assert_allclose(
        grid, (ends[0] + i / 17 * (ends[1] - ends[0])) ** 7, rtol=1e-5
    )
    logs = jnp.log(path.levels(path.times(jnp.linspace(0, 1, 10_001)[:-1]))[1])
    np.testing.assert_allclose([logs.mean(), logs.std()], [-1.2, 1.2], atol=0.01)


class Told(nn.Module):
    """What the network is told of the time, in every number of an example."""

    example_shape: tuple = (2,)

    @nn.compact
    def __call__(self, x, time, *, train: bool = False):
        self.param("none", nn.initializers.zeros, ())
        return jnp.broadcast_to(time[:, None], x.shape)


@pytest.mark.parametrize("path", ["straight", "variance_exploding"])
def test_the_network_is_told_the_time_and_of_exploding_variance_c_noise(path):
    networks = {PLAYER: Network(PLAYER, Told())}
    knobs = dict(path=path, target="data")
    family = Diffusion(networks, prediction_error, {}, **knobs)
    sigma = paths.build(path).levels(TIMES)[1]
    wanted = TIMES if path == "straight" else np.log(sigma) / 4
    x = jnp.ones((len(TIMES), 2))
    params, extra = family.init(jax.random.key(0), {"x": x})
    call = lambda params, *inputs: (networks[PLAYER](params, extra, *inputs), extra)
    seen, _ = family._judged(call, params, extra, x, jnp.zeros_like(x), TIMES)
    np.testing.assert_allclose(seen["prediction"][:, 0], wanted, rtol=1e-6)
    for time, found in zip(TIMES, wanted, strict=True):
        example = family._denoise(params, extra, None)(x, time)[0]
        np.testing.assert_allclose(example, found, rtol=1e-4, atol=1e-5)


def test_times_of_the_middle():
    times = paths.build("straight", logit_std=1.0).times(jnp.array([0.5, 0.8413447]))
    np.testing.assert_allclose(times, [0.5, 1 / (1 + np.exp(-1.0))], rtol=1e-4)
    assert paths.build("straight").times(jnp.zeros(1)) > 0


@pytest.mark.parametrize("path", sorted(paths))
@pytest.mark.parametrize("target", sorted(targets))
def test_a_prediction_gives_back_example_and_noise(path, target):
    built, weigh = paths.build(path), targets.build(target)
    if built.ends_in_noise and getattr(targets.find(target), "needs_signal", False):
        return
    x, noise = jax.random.normal(jax.random.key(0), (2, 7, 3))
    levels = tuple(level[:, None] for level in built.levels(TIMES))
    weights = weigh(*levels, *(rate[:, None] for rate in built.rates(TIMES)))
    x_t = levels[0] * x + levels[1] * noise
    found = both(weights[0] * x + weights[1] * noise, x_t, weights, levels)
    slack = 3e-3 * np.maximum(levels[1] / levels[0], 1.0)
    assert (np.abs(found[0] - x) < slack).all()
    assert (
        np.abs(levels[1] * (found[1] - noise)) < 3e-3 * np.maximum(levels[1], 1)
    ).all()


def test_velocity_of_a_straight_line_is_noise_minus_example():
    path = paths.build("straight")
    weights = targets.build("velocity")(*path.levels(TIMES), *path.rates(TIMES))
    np.testing.assert_array_equal(weights, [[-1.0] * 7, [1.0] * 7])


def test_preconditioned_target_is_the_papers_and_of_variance_one():
    alpha, sigma, std = jnp.ones(3), jnp.array([0.01, 0.5, 20.0]), 0.5
    zero = jnp.zeros(3)
    p, q = targets.build("preconditioned", data_std=std)(alpha, sigma, zero, zero)
    skip, out = std**2 / (sigma**2 + std**2), sigma * std / jnp.sqrt(sigma**2 + std**2)
    np.testing.assert_allclose(
        p * 0.7 + q * 0.3, (0.7 - skip * (0.7 + 0.3 * sigma)) / out, rtol=1e-4
    )
    np.testing.assert_allclose((p * std) ** 2 + q**2, 1.0, rtol=1e-4)


def test_min_snr_by_hand():
    x = jnp.zeros((2, 4))
    found = min_snr(x, x + 2.0, jnp.log(jnp.array([0.5, 100.0])), gamma=5.0)
    np.testing.assert_allclose(found, [0.5 * 4, 5 * 4], rtol=1e-5)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"experiment__path": "straight"}, "nothing of an example"),
        (
            {"experiment__guidance": "1.0"},
            "guidance=1 and drop_label .* 'guided' makes",
        ),
        (
            {"experiment__guidance": "{'name': 'linear', 'value': 2.0, 'steps': 8}"},
            "'guided' makes",
        ),
        ({"experiment__drop_label": "1.0"}, "drop_label"),
        (
            {"experiment__path": "{'name': 'variance_preserving', 'high': 0.1}"},
            "0.95 of an example is left",
        ),
        (
            {"experiment__path": "{'name': 'variance_exploding', 'low': 90.0}"},
            "low=90 must be below high=80",
        ),
        ({"experiment__drop_label": "0.1"}, "'guided' makes"),
        (
            {"experiment__target": "vee"},
            "one of data, noise, preconditioned, v, velocity",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(knobs, told):
    with pytest.raises(InputError, match=told):
        Recipe.build(recipes.plain("diffusion", **knobs)).shapes()
