"""What subtracts large numbers, inverts matrices or measures does not round its products on a GPU."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from jax import lax
from jax.extend import core

from genlab.diffusion import transport
from genlab.game import codebook
from genlab.registry import models
from genlab.run.recipe import Recipe

KEY, X = jax.random.key(0), jnp.ones((4, 3))
EXACT = (lax.Precision.HIGHEST, lax.Precision.HIGHEST)


def _products(jaxpr):
    """The precision of every product, in programs inside too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield equation.params["precision"]
        for inner in core.jaxprs_in_params(equation.params):
            yield from _products(inner)


def _all_exact(function, *arguments):
    found = list(_products(jax.make_jaxpr(function)(*arguments).jaxpr))
    return bool(found) and all(precision == EXACT for precision in found)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("gaussian_mixture", dict(components=2, covariance="full")),
        ("factor_analysis", dict(latent_dim=2)),
        ("sparse_dictionary", dict(atoms=2)),
    ],
)
def test_expectation_maximisation(name, knobs):
    module = models.build(name, example_shape=(3,), **knobs)
    variables = jax.eval_shape(module.init, KEY, X, KEY)
    cost = lambda variables, x: jnp.sum(module.apply(variables, x, KEY, train=True))
    assert _all_exact(jax.grad(cost), variables, X)


def test_nearest_codes_and_optimal_transport():
    codes = {"vectors": jnp.ones((5, 3)), "shares": jnp.ones(5)}
    assert _all_exact(functools.partial(codebook.nearest, codes), X)
    assert _all_exact(transport.paired, X, X)


def test_measuring_a_model():
    recipe = Recipe.build(recipes.plain("vae"))
    blank = lambda leaf: np.zeros(leaf.shape, leaf.dtype)
    trained = recipe.trained(jax.tree.map(blank, recipe.shapes()))
    call = lambda experiment, params, extra, x: experiment.encode(params, extra, x)
    encode = trained.compile("encode", call)
    x = jnp.zeros((2, *recipe.data.example_shape))
    assert _all_exact(encode, trained.params, trained.extra, x)
