"""Densities of examples and of frozen codes: what they are of, what they draw, what they refuse."""

import jax
import numpy as np
import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.errors import InputError
from genlab.game import rng
from genlab.run.recipe import Recipe
from genlab.training.train import train


def small_ex_post(**overrides):
    """A mixture on the codes of a VAE, both small, as a config."""
    config = configs.load(str(recipes.CONFIGS / "vae.py:ex_post"))
    override.override(config, "experiment.likelihood", "bernoulli")
    for key, text in overrides.items():
        override.override(config, key.replace("__", "."), text)
    tiny = recipes.plain("vae")
    plain = configs.plain(config)
    width = tiny["experiment"]["latent_dim"]
    (stage,) = plain["stages"]
    stage |= {key: tiny[key] for key in ("experiment", "model", "train")}
    model = plain["model"]
    model["density"] |= {"example_shape": [width], "components": 2, "floor": 0.1}
    model["features"] = {**tiny["model"]["encoder"], "latent_dim": width}
    model["renderer"] = tiny["model"]["decoder"]
    plain["train"] |= {"steps": 4, "steps_per_call": 4, "batch_size": 8}
    plain["eval"] |= {"final_metrics": [], "every": 4}
    plain["sample"] |= {"every": 4}
    plain["log"] |= {"every": 4}
    plain["writers"] = []
    return plain


def of_codes(**knobs):
    """The density of that config alone, on fresh networks."""
    return Recipe.build(
        {**small_ex_post(**knobs), "stages": [], "start": {"name": "fresh"}}
    )


def test_a_density_of_codes_learns_draws_of_q_and_decodes_its_own():
    built = of_codes()
    before = built.init_state()
    state, metrics = recipes.run_rounds(built, 2, 2)
    recipes.assert_identical(
        state.params["frozen"], jax.device_get(before.params["frozen"])
    )
    assert np.isfinite(metrics["density/cost"]).all()
    trained, experiment = built.trained(jax.device_put(state)), built.experiment
    key = rng.stream(0, "test")

    @jax.jit
    def by_hand(params, extra):
        z = experiment.networks["density"](params, extra, key, 5, method="draw")
        logits = experiment.networks["renderer"](params, extra, z)
        mine = experiment.sample(params, extra, key, 5)
        return (
            jax.nn.sigmoid(logits),
            mine,
            experiment.sample_prior(params, extra, key, 5),
        )

    wanted, found, prior = by_hand(trained.params, trained.extra)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert prior.shape == found.shape == (5, 8, 8, 1)
    assert not np.allclose(found, prior)
    x = trained.examples("test", 3)["x"]
    assert trained.call("encode", x).shape == (3, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda model: model.pop("features"), "codes of model.features"),
        (lambda model: model["density"].update(example_shape=[7]), "example_shape"),
        (lambda model: model.update(density={"name": "mlp_classifier"}), "no cost"),
    ],
)
def test_networks_that_do_not_go_together_are_refused(change, told):
    config = {**small_ex_post(), "stages": [], "start": {"name": "fresh"}}
    change(config["model"])
    with pytest.raises(InputError, match=told):
        Recipe.build(config)


def test_examples_have_no_prior_to_lose_against_and_codes_alone_no_samples():
    built = recipes.recipe("gaussian_mixture")
    state = built.init_state()
    with pytest.raises(InputError, match="ex-post"):
        built.experiment.sample_prior(
            *built.experiment.view(state), rng.stream(0, "a"), 2
        )
    config = {**small_ex_post(), "stages": [], "start": {"name": "fresh"}}
    del config["model"]["renderer"]
    built = Recipe.build(config)
    with pytest.raises(InputError, match="renderer"):
        jax.eval_shape(
            lambda state: built.experiment.sample(
                *built.experiment.view(state), rng.stream(0, "a"), 2
            ),
            built.shapes(),
        )


@pytest.mark.full
def test_the_stage_before_is_what_the_samples_are_decoded_by(tmp_path):
    state = train(small_ex_post(), tmp_path, {})
    assert int(state.step) == 12
    frozen = jax.device_get(state.params["frozen"])
    stage = train({**recipes.plain("vae"), "writers": []}, tmp_path / "vae", {})
    vae = jax.device_get(stage.params["vae"])
    recipes.assert_identical(frozen["renderer"], vae["decoder"])
    recipes.assert_identical(frozen["features"], vae["encoder"])
