"""VQ-VAE: the codebook against moving averages by hand, and the slope past the look-up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import codebook, parallel
from genlab.game.turn import Draw
from genlab.run.recipe import Recipe

BOOK = {
    "vectors": jnp.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [50.0, 50.0]]),
    "shares": jnp.full(4, 0.25),
}


def vectors(seed, count=24):
    """Near the first three codes; none near the last."""
    generator = np.random.default_rng(seed)
    centres = np.array(BOOK["vectors"])[generator.integers(3, size=count)]
    return (centres + generator.normal(size=(count, 2))).astype(np.float32)


def test_nearest_code_and_perplexity():
    x = vectors(0)
    gaps = np.linalg.norm(x[:, None] - np.array(BOOK["vectors"]), axis=-1)
    found = codebook.nearest(BOOK, jnp.asarray(x).reshape(4, 3, 2, 2))
    np.testing.assert_array_equal(found, gaps.argmin(axis=1).reshape(4, 3, 2))
    shares = codebook.shares_of(BOOK, jnp.array([[0, 0], [1, 2]]))
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25, 0])
    # The entropy of 1/2, 1/4, 1/4 is 3/2 bits.
    np.testing.assert_allclose(codebook.perplexity(shares), 2**1.5, rtol=1e-6)


def test_codes_are_quotients_of_moving_averages_of_sums_and_counts():
    """Appendix A.1 of the paper, with sums and counts kept apart; nobody is nearest to the last code."""
    decay, book = 0.7, BOOK
    sums = np.array(BOOK["vectors"], np.float64) * 6
    counts = np.full(4, 6.0)
    for seed in range(3):
        x = vectors(seed)
        index = np.array(codebook.nearest(book, jnp.asarray(x)))
        chosen = np.eye(4)[index]
        sums = decay * sums + (1 - decay) * chosen.T @ x
        counts = decay * counts + (1 - decay) * chosen.sum(axis=0)
        book = codebook.followed(book, jnp.asarray(x), jnp.asarray(index), decay)
        np.testing.assert_allclose(
            book["vectors"], sums / counts[:, None], rtol=1e-5, atol=1e-5
        )
        np.testing.assert_allclose(book["shares"], counts / 24, rtol=1e-5)
    np.testing.assert_allclose(book["vectors"][3], [50, 50])


def test_dead_codes_move_to_vectors_of_the_batch():
    x = jnp.asarray(vectors(0))
    book = {**BOOK, "shares": jnp.array([0.5, 0.3, 0.19, 0.01])}
    found = codebook.revived(book, x, jax.random.key(0), 0.1)
    np.testing.assert_array_equal(found["vectors"][:3], BOOK["vectors"][:3])
    assert any(np.array_equal(found["vectors"][3], row) for row in np.array(x))
    np.testing.assert_allclose(found["shares"], [0.5, 0.3, 0.19, 0.25])


def test_codebook_does_not_depend_on_devices():
    x, key = jnp.asarray(vectors(0)), jax.random.key(0)

    def renewed(x):
        index = codebook.nearest(BOOK, x)
        book = codebook.followed(BOOK, x, index, 0.5)
        return codebook.revived(book, x, key, 0.9)

    with parallel.mapped():
        shared = jax.pmap(renewed, axis_name=parallel.BATCH, devices=jax.devices())(
            x.reshape(4, 6, 2)
        )
    alone = renewed(x)
    for name, leaf in shared.items():
        for own in leaf:
            np.testing.assert_allclose(own, alone[name], rtol=1e-5, atol=1e-6)


def test_slope_passes_straight_through_and_commitment_holds_the_encoder_alone():
    config = recipes.plain("vq_vae")
    config["model"] = {
        "encoder": {"name": "dense_encoder", "widths": [3]},
        "decoder": {"name": "dense_decoder"},
    }
    built = Recipe.build(config)
    state, game = built.init_state(), built.experiment
    x = jax.random.uniform(jax.random.key(3), (2, 8, 8, 1))
    draw = Draw({"x": x}, jax.random.key(0), jnp.int32(0))

    def parts(params):
        vectors = game.networks["encoder"](params, state.extra, x)
        codes = game.encode(state.params, state.extra, x)
        decode = lambda z: jnp.mean(
            game._unlikeliness(
                draw, game.networks["decoder"](state.params, state.extra, z), x, z
            )
        )
        past = jax.grad(decode)(codes)  # as if the vectors were the codes
        commitment = 0.25 * jnp.mean(jnp.sum(jnp.square(vectors - codes), axis=1))
        return jnp.sum(jax.lax.stop_gradient(past) * vectors) + commitment

    total = lambda params: sum(
        map(jnp.mean, game._loss(params, state.extra, draw).terms.values())
    )
    found, by_hand = jax.jit(lambda p: (jax.grad(total)(p), jax.grad(parts)(p)))(
        state.params
    )
    found, by_hand = (tree["vq_vae"]["encoder"] for tree in (found, by_hand))
    recipes.assert_close(found, by_hand, 1e-5)


def test_codes_by_place_and_the_bound_of_a_uniform_prior():
    built = recipes.recipe("vq_vae")
    state, game = built.init_state(), built.experiment
    x = jax.random.uniform(jax.random.key(3), (2, 8, 8, 1))
    draw = Draw({"x": x}, jax.random.key(0), jnp.int32(0))

    @jax.jit
    def found(*variables):
        places = game.code_indices(*variables, x)
        again = game.decode_indices(*variables, places)
        values = game.measure(*variables, draw)
        return places, again, game.reconstruct(*variables, x), values

    places, again, decoded, values = found(state.params, state.extra)
    assert places.shape == (2, 2, 2) and places.dtype == jnp.int32
    np.testing.assert_allclose(again, decoded, rtol=1e-6)
    np.testing.assert_allclose(values["kl"], np.full(2, 4 * np.log(5)), rtol=1e-6)


def test_an_encoder_of_another_length_is_refused():
    config = recipes.plain("vq_vae")
    config["model"]["encoder"]["latent_dim"] = 4
    with pytest.raises(
        InputError, match=r"vectors \[\.\.\., 3\], as long as its codes"
    ):
        Recipe.build(config)
    config["model"]["encoder"] = {"name": "mlp_encoder", "hidden": [4]}
    with pytest.raises(InputError, match="has several outputs"):
        Recipe.build(config)
