"""Energy-based models: their densities and scores, their chains, and what they refuse."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.energy_based import PLAYER, EnergyBased
from scipy import stats

from genlab.errors import InputError
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.energy import contrastive_divergence
from genlab.objectives.score import denoising_score_matching
from genlab.run.recipe import Recipe

KEY = jax.random.key(0)
CENTRE, STD = jnp.array([[0.5, -1.0]]), jnp.array([[0.3, 0.8]])


class Well(nn.Module):
    """High at CENTRE: log of a Gaussian, up to a constant."""

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        depth = self.param("depth", nn.initializers.ones, ())
        return 7.0 - 0.5 * depth * jnp.sum(jnp.square((x - CENTRE) / STD), axis=1)


def model(module, objective=contrastive_divergence, **knobs):
    known = dict(support=(-9.0, 9.0), step_size=0.01, steps=2, example_shape=(2,))
    return EnergyBased(
        {PLAYER: Network(PLAYER, module)}, objective, {}, **known | knobs
    )


def test_density_and_score_of_a_gaussian():
    x = CENTRE + STD * jax.random.normal(KEY, (5, 2))
    experiment = model(Well())
    variables = experiment.init(KEY, {"x": x})
    found = experiment.log_density(*variables, x, KEY)
    true = stats.norm.logpdf(x, CENTRE, STD).sum(1)
    np.testing.assert_allclose(found, true, atol=1e-3)
    score = experiment.score(*variables, x)
    np.testing.assert_allclose(score, (CENTRE - x) / STD**2, rtol=1e-4)
    draw = Draw({"x": x}, KEY, jnp.int32(0))
    gaps = experiment.log_unnormalized(*variables, draw) - found
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-4)
    with pytest.raises(InputError, match="in the plane alone"):
        experiment.log_density(*variables, jnp.zeros((1, 3)), KEY)


def test_samples_are_those_of_the_density():
    experiment = model(Well(), sample_steps=300)
    variables = experiment.init(KEY, {"x": jnp.zeros((1, 2))})
    found = experiment.sample(*variables, KEY, 2000)
    np.testing.assert_allclose(found.mean(0), CENTRE[0], atol=0.06)
    np.testing.assert_allclose(found.std(0), STD[0], rtol=0.08)


def test_chains_are_kept_for_objectives_of_the_model_alone():
    x = jnp.zeros((4, 2))
    draw = Draw({"x": x}, KEY, jnp.int32(0))
    experiment = model(Well(), chains=8)
    params, extra = experiment.init(KEY, {"x": x})
    loss = experiment._loss(params, extra, draw)
    assert loss.extra["chains"]["negative"].shape == (8, 2)
    states = loss.extra["chains"]["negative"] - extra["chains"]["negative"]
    assert (np.abs(states).max(1) > 0).sum() == 4
    # That of E+ - E- by the depth of the well: half the mean squares of data, less those of the states.
    gradient = jax.grad(
        lambda params: sum(
            jnp.mean(experiment._loss(params, extra, draw).terms[name])
            for name in ("data", "model")
        )
    )(params)
    moved = loss.extra["chains"]["negative"][np.abs(states).max(1) > 0]
    half = lambda x: 0.5 * np.square((x - CENTRE) / STD).sum(1).mean()
    np.testing.assert_allclose(
        gradient[PLAYER][PLAYER]["depth"], half(x) - half(moved), rtol=1e-4
    )
    without = model(Well(), denoising_score_matching, chains=8)
    params, extra = without.init(KEY, {"x": x})
    assert extra == {}
    assert without._loss(params, extra, draw).terms["objective"].shape == (4,)
    with pytest.raises(InputError, match="shows persistent chains"):
        without.fantasies(params, extra)


class Logits(nn.Module):
    """Two logits of an example, x and -x; or a map of them."""

    of_patches: bool = False

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        scale = self.param("scale", nn.initializers.ones, ())
        both = scale * jnp.stack([x[:, 0], -x[:, 0]], axis=1)
        return both[:, None] if self.of_patches else both


def test_several_logits_are_one_energy():
    """-log(e^x + e^-x)."""
    x = jnp.array([[0.3, 0.0], [-2.0, 0.0]])
    experiment = model(Logits())
    variables = experiment.init(KEY, {"x": x})
    found = experiment.measure(*variables, Draw({"x": x}, KEY, jnp.int32(0)))
    expected = -np.log(2 * np.cosh(x[:, 0]))
    np.testing.assert_allclose(found["free_energy"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["squared_score"], np.tanh(x[:, 0]) ** 2, rtol=1e-5)


def test_what_does_not_go_together_is_refused():
    for knobs, told in (
        (dict(support=(1.0, -1.0)), "is no box"),
        (dict(sample_from="data"), "neither 'noise' nor 'chains'"),
        (dict(sample_from="chains"), "set experiment.chains"),
    ):
        with pytest.raises(InputError, match=told):
            model(Well(), **knobs)
    with pytest.raises(InputError, match="outside experiment.support"):
        model(Well()).check_data(-10.0, 1.0)
    with pytest.raises(InputError, match="makes no logits"):
        model(Logits(of_patches=True)).init(KEY, {"x": jnp.zeros((3, 2))})
    config = recipes.plain("ebm", data__image_size="16")
    config["model"]["energy"] = {"name": "dcgan_discriminator", "width": 4}
    with pytest.raises(InputError, match="normalises over the batch"):
        Recipe.build(config).init_state()
