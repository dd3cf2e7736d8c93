"""Codes before a discriminator: references, density ratios, encoders without noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.adversarial_autoencoder import permuted
from scipy import stats

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.turn import Draw
from genlab.objectives.adversarial import log_ratio
from genlab.run.recipe import Recipe


def test_permuted_codes_have_the_marginals_and_no_correlation():
    key = jax.random.key(0)
    shared = jax.random.normal(key, (4000, 1))
    z = jnp.concatenate([shared, shared + 0.1], axis=1)
    found = permuted(jax.random.key(1), z)
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(z, axis=0))
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.05


def test_codes_are_permuted_across_devices():
    key, z = jax.random.key(1), jnp.arange(16.0).reshape(8, 2)
    with parallel.mapped():
        shares = jax.pmap(
            lambda z: permuted(key, z), axis_name=parallel.BATCH, devices=jax.devices()
        )(z.reshape(4, 2, 2))
    np.testing.assert_array_equal(shares.reshape(8, 2), permuted(key, z))


def test_the_encoder_pays_the_total_correlation_at_the_optimal_discriminator():
    """Of a Gaussian with correlation r, -1/2 log(1 - r^2) nats."""
    r = 0.8
    joint = stats.multivariate_normal(cov=[[1, r], [r, 1]])
    z = joint.rvs(200_000, random_state=0)
    logits = stats.norm.logpdf(z).sum(axis=1) - joint.logpdf(z)  # of the permuted
    term = log_ratio(jnp.zeros(3), jnp.asarray(logits))["generator"]["fake"]
    np.testing.assert_allclose(np.mean(term), -0.5 * np.log(1 - r**2), rtol=0.02)


def test_optimum_of_log_ratio_is_the_ratio_of_the_densities():
    data, model = np.array([0.1, 0.6, 0.3]), np.array([0.5, 0.2, 0.3])

    def loss(logits):
        terms = log_ratio(logits, logits)["discriminator"]
        return data @ terms["real"] + model @ terms["fake"]

    slope = jax.grad(loss)(jnp.log(jnp.asarray(data / model, jnp.float32)))
    np.testing.assert_allclose(slope, np.zeros(3), atol=1e-6)


def without_noise(width=3, name="dense_encoder"):
    layers = {"name": name, "widths": [width], "code_activation": "identity"}
    config = recipes.plain("adversarial_autoencoder")
    config["model"]["encoder"] = {"name": "deterministic", "network": layers}
    return config


def test_an_encoder_without_noise():
    built = Recipe.build(without_noise())
    state, x = built.init_state(), jnp.linspace(0, 1, 128).reshape(2, 8, 8, 1)
    game, variables = built.experiment, (state.params, state.extra)
    draw = Draw({"x": x}, jax.random.key(0), jnp.int32(0))

    @jax.jit
    def found(*variables):
        z = game._codes(*variables, draw)
        return z, game.encode(*variables, x), game.measure(*variables, draw)

    z, code, values = found(*variables)
    np.testing.assert_array_equal(z, code)
    kl = 0.5 * np.sum(np.square(z), axis=1) + 3 * 0.5 * (80 - 1)
    np.testing.assert_allclose(values["kl"], kl, rtol=1e-5)


def test_what_makes_no_codes_is_refused():
    config = without_noise()
    config["model"]["encoder"]["network"] = {"name": "mlp_encoder", "hidden": [4]}
    with pytest.raises(InputError, match="needs a network inside that makes codes"):
        Recipe.build(config)
    config = recipes.plain("adversarial_autoencoder", experiment__reference="permute")
    with pytest.raises(InputError, match="reference='permute' is unknown.*permuted"):
        Recipe.build(config)


def test_reference_and_weight_are_what_the_encoder_pays():
    """Of the same discriminator: minus its logit, times the weight, whichever the reference."""
    batch = {"x": jnp.linspace(0, 1, 192).reshape(3, 8, 8, 1)}
    draw = Draw(batch, jax.random.key(0), jnp.int32(0))
    for reference in ("prior", "permuted"):
        config = recipes.plain(
            "adversarial_autoencoder",
            experiment__adversary="log_ratio",
            experiment__adversarial_weight="7.0",
            experiment__reference=reference,
        )
        built = Recipe.build(config)
        state, game = built.init_state(), built.experiment

        @jax.jit
        def found(*variables, game=game):
            z = game._codes(*variables, draw)
            judged, _ = game._judge(*variables, draw, z)
            return z, judged, game._autoencoder_loss(*variables, draw).terms

        z, judged, terms = found(state.params, state.extra)
        paid = -7 * judged.fake_logits
        np.testing.assert_allclose(terms["adversary_fake"], paid, rtol=1e-5)
        shown = np.sort(judged.real, axis=0)
        same = np.allclose(shown, np.sort(z, axis=0))
        assert same == (reference == "permuted")
