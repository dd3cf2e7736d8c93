"""The Dirac-GAN, whose field and eigenvalues are known, and the signal that objectives leave."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from jax.nn import sigmoid

from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.geometry.game import field, game_jacobian
from genlab.metrics.game_spectrum import game_spectrum
from genlab.plots import figure
from genlab.plots.game import phase_portrait
from genlab.plots.signal import gradient_signal, signal
from genlab.registry import objectives
from genlab.run.recipe import Recipe

DRAW = Draw({"x": jnp.zeros((4, 1))}, jax.random.key(0), jnp.zeros((), jnp.int32))


def built(variant=""):
    return Recipe.build(recipes.plain("dirac_gan", variant))


def at(theta, psi):
    return {
        "generator": {"generator": {"theta": jnp.array([theta])}},
        "discriminator": {"discriminator": {"psi": jnp.array([psi])}},
    }


def test_the_field_of_the_dirac_gan_is_its_formula():
    """The discriminator's psi falls by sigmoid(psi theta) theta, theta grows by sigmoid(-psi theta) psi."""
    psi, theta = 0.7, 1.3
    found = field(built().experiment, at(theta, psi), {}, DRAW)
    expected = [-sigmoid(psi * theta) * theta, sigmoid(-psi * theta) * psi]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("variant", "gamma"), [("", 0.0), ("r1", 0.3)])
def test_eigenvalues_at_rest_are_imaginary_without_a_penalty(variant, gamma):
    """l^2 + gamma l + f'(0)^2 = 0 with f'(0) = 1/2, Mescheder et al. 2018, lemma 2.3 and 4.1."""
    experiment = built(variant).experiment
    slope = game_jacobian(experiment, at(0.0, 0.0), {}, DRAW)
    expected = np.roots([1, gamma, 0.25])
    np.testing.assert_allclose(
        np.sort_complex(np.linalg.eigvals(slope)), np.sort_complex(expected), atol=1e-4
    )


def test_the_spectrum_is_measured_where_the_model_stands():
    recipe = built("r1")
    state = recipe.init_state().replace(params=at(0.0, 0.0))
    values = game_spectrum(recipe.trained(state), "test", num=8).values
    size = np.sqrt(0.25)  # the product of both eigenvalues is f'(0)^2
    np.testing.assert_allclose(values["growth"], -0.15, atol=1e-4)
    turn = np.sqrt(0.25 - 0.15**2) / size
    np.testing.assert_allclose(values["rotation"], turn, rtol=1e-3)
    assert values["force"] < 1e-6
    large = recipes.recipe("vae")
    with pytest.raises(InputError, match="2,000 at most"):
        game_spectrum.check(large.experiment, large.data)
    plane = recipes.recipe("gan_ring")
    with pytest.raises(InputError, match="a plane has 2 parameters"):
        phase_portrait.check(plane.experiment, plane.data)


def test_the_way_of_training_is_drawn_in_by_r1_alone(monkeypatch):
    monkeypatch.setattr(figure, "render", lambda figure: figure)
    ends = {}
    for variant in ("", "r1"):
        recipe = built(variant)
        drawn = phase_portrait(recipe.trained(recipe.init_state()), rounds=300)
        way = drawn.axes[0].lines[0].get_xydata()
        np.testing.assert_array_equal(way[0], [1.0, 1.0])
        ends[variant] = np.linalg.norm(way[-1])
    assert ends["r1"] < 0.05 and ends[""] > 0.3


def test_signal_of_objectives_is_their_slope():
    logits = np.linspace(-6, 6, 7, dtype=np.float32)
    expected = {
        "minimax": -sigmoid(logits),
        "non_saturating": -sigmoid(-logits),
        "least_squares": logits - 1,
        "hinge": -np.ones(7),
    }
    for name, slope in expected.items():
        found = signal(objectives.build(name), logits)
        np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-7)
    game = built().experiment
    with pytest.raises(InputError, match="'elbo' needs reconstruction"):
        gradient_signal.check(game, None, compared=("elbo",))
