"""What backward passes compute again: the same trajectory, with less that is kept for it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import remat
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of


def trained(name, way):
    """The parameters after three rounds in one program."""
    built = Recipe.build(recipes.plain(name))
    feed = built.feed()
    rounds = jax.jit(rounds_of(built.experiment, feed, 0, way))
    state, seed = built.init_state(), np.uint32(0)
    return rounds(state, feed.resident, feed.chunk(0, 3), seed)[0]


@pytest.mark.parametrize("name", ["vae", "dcgan", "diffusion"])
@pytest.mark.parametrize("way", ["elementwise", "all"])
def test_trajectory_is_the_same_up_to_rounding(name, way):
    """Statistics of batches and draws of dropout are computed again as they were."""
    one, other = trained(name, "none"), trained(name, way)
    for leaf, again in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(again, leaf, rtol=1e-4, atol=1e-5)


def test_less_is_kept_and_products_are_not_computed_twice():
    built = Recipe.build(recipes.plain("flow_matching"))
    network = built.experiment.networks["denoiser"]
    state, key = built.init_state(), jax.random.key(0)
    x = jnp.ones((32, *built.data.example_shape))
    kept, products = {}, {}
    for way in remat.WAYS:
        with remat.rematerialised(way):
            cost = lambda params: jnp.sum(
                network.train(params, state.extra, x, jnp.ones(32), key=key)[0] ** 2
            )
            backward = jax.vjp(cost, state.params)[1]
            traced = jax.make_jaxpr(jax.grad(cost))(state.params)
        kept[way] = sum(leaf.nbytes for leaf in jax.tree.leaves(backward))
        products[way] = str(traced).count("genlab_convolve")
    assert kept["none"] > 2 * kept["elementwise"] > 2 * kept["all"]
    assert products["none"] == products["elementwise"] < products["all"]


def test_unknown_way_is_refused():
    with pytest.raises(InputError, match="remat='al' is unknown; did you mean 'all'"):
        Recipe.build(recipes.plain("vae", remat="al"))
