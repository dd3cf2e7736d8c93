"""Likelihoods by the flow: levels of images, mixtures that are known, and guided samples."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.diffusion import PLAYER, Diffusion

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.network import Network
from genlab.metrics.log_density import log_density
from genlab.objectives.denoising import prediction_error
from genlab.registry import metrics
from genlab.run.recipe import Recipe


def blank(name, **knobs):
    """A trained view of a game before its first round."""
    built = Recipe.build(recipes.plain(name, **knobs))
    return built.trained(jax.device_put(built.init_state()))


def test_a_network_that_says_nothing_has_the_likelihood_of_its_noise():
    """Its last layer is 0, and with it the velocity: x stays where it is, and is judged as noise."""
    trained = blank(
        "diffusion", experiment__path="straight", experiment__target="velocity"
    )
    found = log_density(trained, "test", num=8, steps=3, levels=17).values
    x = trained.examples("test", 8)["x"].astype(np.float64)
    whole = np.round((x + 1) / 2 * 16)
    # u ~ U[0, 1) moves x within its level: E (x + w u)^2 = (x + w/2)^2 + w^2/12.
    width = 2 / 17
    squares = np.square(-1 + width * (whole + 0.5)) + width**2 / 12
    log_p = -0.5 * (squares + np.log(2 * np.pi)).sum((1, 2, 3)) + 64 * np.log(width)
    assert found["log_likelihood"] == pytest.approx(log_p.mean(), abs=0.5)
    bits = -found["log_likelihood"] / (64 * np.log(2))
    assert found["bits_per_dimension"] == pytest.approx(bits)
    with pytest.raises(InputError, match="do not have 100 levels"):
        log_density(trained, "test", num=8, levels=100)


def test_levels_that_the_data_do_not_have_are_refused_when_the_config_is_read():
    asked = functools.partial(log_density.check, num=8, steps=1)
    large, small = (
        Recipe.build(recipes.plain("flow_matching", data__image_size=size))
        for size in ("16", "8")
    )
    with pytest.raises(InputError, match="'digits' do not have 100 levels"):
        asked(large.experiment, large.data, levels=100)
    with pytest.raises(InputError, match="'digits' do not have 17 levels"):
        asked(large.experiment, large.data, levels=17)  # resized
    for levels in (17, 256):
        asked(small.experiment, small.data, levels=levels)


def test_a_flow_of_levels_is_measured_by_the_noise_that_it_was_trained_with():
    config = recipes.plain("glow", "variational")
    config["model"]["density"] |= {"steps": 1, "width": 4}
    config["model"]["density"]["dequantizer"] |= {"layers": 1, "width": 4}
    trained = Recipe.build(config)
    trained = trained.trained(jax.device_put(trained.init_state()))
    found = log_density(trained, "test", num=100)
    assert found.protocol["levels"] == 17
    assert found.protocol["dequantized"] == "learned"
    assert found.protocol["bound"] == "lower"
    network = trained.experiment.networks["density"]
    key = jax.random.fold_in(rng.fold(jax.random.key(trained.seed), "log_density"), 0)
    x = trained.examples("test", 100)["x"]
    cost = network(trained.params, trained.extra, x, key)
    bits = found.values["bits_per_dimension"]
    wanted = network.module.bits_per_dimension(cost).mean()
    assert bits == pytest.approx(float(wanted), rel=1e-4)
    assert found.values["log_likelihood"] == pytest.approx(-64 * np.log(2) * bits)


def test_guidance_without_a_hidden_label_is_refused():
    config = recipes.plain("diffusion", "guided")
    for hidden in (None, 0.0):
        config["experiment"]["drop_label"] = hidden
        with pytest.raises(InputError, match="learns where some are hidden; set drop"):
            Recipe.build(config).shapes()


def test_noise_by_optimal_transport_is_for_no_classes():
    config = recipes.plain("diffusion", "guided")
    config["experiment"]["optimal_transport"] = True
    with pytest.raises(
        InputError, match="optimal_transport=True is of a network without"
    ):
        Recipe.build(config)


class Told(nn.Module):
    """2 for the first class, 3 for the second, 1 for none."""

    example_shape: tuple = (1,)

    @nn.compact
    def __call__(self, x, time, label, *, train: bool = False):
        return jnp.array([2.0, 3.0, 1.0])[label][:, None] + 0 * x


def test_guidance_goes_beyond_what_the_class_says():
    experiment = Diffusion(
        {PLAYER: Network(PLAYER, Told())},
        prediction_error,
        {},
        path="straight",
        target="data",
        sampler=dict(name="ddim", steps=1),
        drop_label=0.1,
        guidance=2.0,
        num_classes=2,
    )
    label = jnp.array([0, 1])
    found = experiment.sample_classes(
        {PLAYER: {PLAYER: {}}}, {}, label, jax.random.key(0)
    )
    np.testing.assert_allclose(
        found[:, 0], [2 + 2 * (2 - 1), 3 + 2 * (3 - 1)], rtol=1e-5
    )
    with pytest.raises(InputError, match="without labels"):
        check = metrics.find("log_density").check
        check(experiment, None, num=1, steps=1, levels=2)
