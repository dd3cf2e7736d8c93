"""The conditional VAE of pairs: its divergence in closed form, what it fills, and what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from scipy import stats

from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.objectives.divergence import gaussian_divergence, gaussian_kl
from genlab.run.recipe import Recipe


def test_divergence_of_two_gaussians_against_numerical_integration():
    q, p = stats.norm(0.7, np.exp(-0.45)), stats.norm(-0.3, np.exp(0.2))
    grid = np.linspace(-12, 12, 200_001)
    integrand = q.pdf(grid) * (q.logpdf(grid) - p.logpdf(grid))
    knobs = [jnp.array([[value]]) for value in (0.7, -0.9, -0.3, 0.4)]
    found = gaussian_divergence(*knobs)
    np.testing.assert_allclose(found, [np.trapezoid(integrand, grid)], rtol=1e-5)
    mean, log_variance = jnp.array([[1.0, -2.0]]), jnp.array([[0.3, -1.0]])
    of_standard = gaussian_divergence(mean, log_variance, 0 * mean, 0 * mean)
    np.testing.assert_allclose(of_standard, gaussian_kl(mean, log_variance), rtol=1e-6)


@functools.cache
def _recipe(**overrides):
    return Recipe.build(recipes.plain("conditional_vae", **overrides))


def test_what_is_known_is_kept_and_holes_are_filled_in_many_ways():
    built = _recipe()
    trained = built.trained(built.init_state())
    batch = trained.examples("validation", 6)
    x, hole = batch["x"], batch["x"][..., -1:] > 0.5
    made = [trained.call("translate", x, jax.random.key(seed)) for seed in (0, 1)]
    for images in made:
        np.testing.assert_array_equal(images[~hole], x[..., :1][~hole])
        np.testing.assert_array_equal(x[..., :1][~hole], batch["y"][~hole])
    assert np.abs(made[0] - made[1])[hole].min() > 0
    draw = Draw(batch, jax.random.key(0), jnp.zeros((), jnp.int32))
    bound = trained.call("measure", draw)
    total = bound["reconstruction"] + bound["kl"]
    np.testing.assert_allclose(bound["negative_elbo"], total)
    assert (bound["kl"] > 0).all()


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"data.degrade": "grayscale"}, "have none"),
        ({"data.degrade": "downsample"}, "take a degradation that keeps the size"),
        ({"data.degrade": "edges"}, "fill_only needs a mask"),
        ({"data.degrade": "None"}, "needs images of two domains"),
        (
            {"model.decoder.example_shape": "(4,4,1)"},
            r"set model.decoder.example_shape=\(8, 8, 1\)",
        ),
    ],
)
def test_refused_in_one_line(overrides, told):
    with pytest.raises(InputError, match=told) as error:
        _recipe(**overrides)
    assert "\n" not in str(error.value)
