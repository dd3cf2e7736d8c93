"""Densities on the plane: where the grid lies, and that it holds all of p."""

import jax
import numpy as np
import recipes

from genlab.plots.density import on_plane, truth_on_plane
from genlab.plots.plane import plane_of
from genlab.run.recipe import Recipe


def test_known_and_learned_density_on_the_plane():
    """Both sum to 1 over the plane; a flow that has learned nothing is standard normal."""
    recipe = recipes.plain("realnvp", "toy")
    built = Recipe.build(recipe)
    trained = built.trained(jax.device_put(built.init_state()))
    (left, right, bottom, top), grid = plane_of(
        trained.examples("train", 1000)["x"], 200
    )
    cell = (right - left) * (top - bottom) / 200**2
    truth = truth_on_plane(trained.data, grid)
    np.testing.assert_allclose(np.exp(truth).sum() * cell, 1, atol=0.02)
    row, column = np.unravel_index(truth.argmax(), truth.shape)
    peak = grid.reshape(200, 200, 2)[row, column]
    assert min(np.linalg.norm(trained.data.modes - peak, axis=1)) < 0.03
    found = on_plane(trained, grid, 1)
    np.testing.assert_allclose(
        found.ravel(), -np.square(grid).sum(-1) / 2 - np.log(2 * np.pi), atol=1e-3
    )
