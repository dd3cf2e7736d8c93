"""Autoregressive densities in their family: classes, completion, codes of a codebook, and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.evaluation.evaluate import check, measure
from genlab.game import codebook, rng
from genlab.game.turn import Draw
from genlab.metrics.log_density import log_density
from genlab.registry import metrics, plots
from genlab.run.recipe import Recipe
from genlab.training.train import train


def made(**overrides):
    """A small MADE on digits of 17 levels."""
    small = "{'name': 'made', 'hidden': (8,), 'levels': 17, 'low': 0.0}"
    return recipes.plain("pixelcnn", **{"model__density": small, **overrides})


def of_codes(steps=4):
    """The prior of the codes of a small VQ-VAE, as a config."""
    plain, tiny = recipes.plain("pixelcnn", "vq"), recipes.plain("vq_vae")
    (stage,) = plain["stages"]
    stage |= {key: tiny[key] for key in ("experiment", "model", "train")}
    plain["data"] = tiny["data"]
    plain["experiment"]["codes"] = 5
    plain["model"]["density"] = {
        "name": "made",
        "hidden": [8],
        "example_shape": [2, 2, 1],
        "levels": 5,
        "ordered": False,
    }
    plain["model"]["features"] = {**tiny["model"]["encoder"], "latent_dim": 3}
    plain["model"]["renderer"] = tiny["model"]["decoder"]
    plain["train"] = tiny["train"] | {"steps": steps}
    plain["eval"] |= {"final_metrics": [], "every": 4}
    plain["sample"] |= {"every": 4}
    plain["log"] |= {"every": 4}
    plain["writers"] = []
    return plain


def test_a_class_is_told_and_drawn_and_bits_are_those_of_levels():
    network = made()["model"]["density"]
    told = {"name": "class_density", "network": network, "width": 4}
    built = Recipe.build(made(model__density=str(told)))
    state, game = built.init_state(), built.experiment
    x = jnp.asarray(built.trained(jax.device_put(state)).examples("test", 2)["x"])

    @jax.jit
    def found(params, extra):
        batch = lambda label: {"x": x, "label": jnp.array(label)}
        key = rng.stream(0, "a")
        draw = lambda label: Draw(batch(label), key, jnp.int32(0))
        values = [
            game.measure(params, extra, draw(label)) for label in ([0, 1], [1, 1])
        ]
        drawn = game.sample_classes(params, extra, jnp.array([0, 1, 1]), key)
        return *values, drawn, game.sample(params, extra, key, 3)

    one, other, drawn, sample = found(state.params, state.extra)
    cost = one["negative_log_likelihood"]
    assert cost[0] != other["negative_log_likelihood"][0]
    assert cost[1] == other["negative_log_likelihood"][1]
    np.testing.assert_allclose(one["bits_per_dimension"], cost / 64 / np.log(2), 1e-6)
    assert drawn.shape == sample.shape == (3, 8, 8, 1)
    np.testing.assert_allclose(drawn * 16, np.round(drawn * 16), atol=1e-5)


def test_log_density_is_the_probability_of_levels():
    built = Recipe.build(made())
    trained = built.trained(jax.device_put(built.init_state()))
    found = log_density(trained, "test", num=8)
    x = trained.examples("test", 8)["x"]
    measure = lambda game, params, extra: game.measure(
        params, extra, Draw({"x": x}, jax.random.key(0), jnp.int32(0))
    )
    known = trained.compile("known", measure)(trained.params, trained.extra)
    bits = np.mean(known["bits_per_dimension"])
    np.testing.assert_allclose(found.values["bits_per_dimension"], bits, rtol=1e-5)
    assert found.protocol["levels"] == 17 and found.protocol["bound"] == "exact"


def test_a_density_of_places_in_a_codebook_decodes_what_it_draws():
    config = {**of_codes(), "stages": [], "start": {"name": "fresh"}}
    built = Recipe.build(config)
    state, game = built.init_state(), built.experiment
    assert state.extra["codebook"]["features"]["vectors"].shape == (5, 3)
    x = jax.random.uniform(jax.random.key(3), (2, 8, 8, 1))

    @jax.jit
    def found(params, extra):
        key, book = rng.stream(0, "a"), extra["codebook"]["features"]
        vectors = game.networks["features"](params, extra, x)
        seen = game._seen(params, extra, x)
        places = game.networks["density"](params, extra, key, 2, method="draw")
        codes = book["vectors"][places[..., 0].astype(int)]
        logits = game.networks["renderer"](params, extra, codes)
        nearest = codebook.nearest(book, vectors)
        drawn = game.sample(params, extra, key, 2)
        return seen[..., 0], nearest, jax.nn.sigmoid(logits), drawn

    seen, nearest, by_hand, drawn = found(state.params, state.extra)
    np.testing.assert_array_equal(seen, nearest)
    np.testing.assert_allclose(drawn, by_hand, atol=1e-6)


@pytest.mark.full
def test_the_codebook_comes_with_the_encoder(tmp_path):
    state = train(of_codes(), tmp_path, {})
    stage = train({**recipes.plain("vq_vae"), "writers": []}, tmp_path / "vq", {})
    recipes.assert_identical(
        jax.device_get(state.extra["codebook"]["features"]),
        jax.device_get(stage.extra["codebook"]["encoder"]),
    )


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"data__binarize": "fixed"}, "has 17 levels, and the data 2"),
        (
            {"model__density__levels": "300"},
            "300 levels, and the data 17; set levels=17",
        ),
        ({"model__density__levels": "9"}, "has 9 levels, and the data 17"),
        ({"model__density__levels": "2"}, "has 2 levels, and the data 17"),
        ({"data__image_size": "16"}, "has 17 levels, and the data"),  # resized
        ({"data__value_range": "(-1.0, 1.0)"}, "levels from 0.0 to 1.0, and examples"),
        ({"model__density__ordered": "False"}, "categories, numbers from 0 to 16"),
        ({"experiment__codes": "17"}, "codebook of model.features, and there is none"),
        (
            {"data__name": "toy2d", "data__kind": "ring"},
            "17 levels, and the data are real numbers",
        ),
    ],
)
def test_levels_that_the_data_do_not_have_are_refused(overrides, told):
    with pytest.raises(InputError, match=told):
        Recipe.build(made(**overrides))


def test_a_codebook_of_another_size_is_refused():
    config = {**of_codes(), "stages": [], "start": {"name": "fresh"}}
    config["experiment"]["codes"] = 6
    with pytest.raises(InputError, match="as many levels as experiment.codes=6, not 5"):
        Recipe.build(config)


@pytest.mark.parametrize("config", ["realnvp", "pixelcnn"])
def test_what_is_held_out_is_in_the_units_of_levels(config):
    """Nats of an example are those of its bits, of a flow behind noise as of whole levels."""
    built = Recipe.build(recipes.plain(config))
    trained = built.trained(jax.device_put(built.init_state()))
    found = measure(trained, "test", [], 64)["held_out"]
    nats = 64 * np.log(2) * found.values["bits_per_dimension"]
    assert found.values["negative_log_likelihood"] == pytest.approx(nats, rel=1e-5)
    assert found.protocol["levels"] == 17
    bounds = {"realnvp": "lower", "pixelcnn": "exact"}
    assert found.protocol["bound"] == bounds[config]
    log_p = log_density(trained, "test", num=trained.data.splits["test"].size)
    assert log_p.protocol["binarized"] == "none"
    assert -log_p.values["log_likelihood"] == pytest.approx(nats, rel=0.02)


def test_an_unknown_half_is_refused_before_training():
    for registry, name in ((metrics, "completion"), (plots, "completions")):
        built = Recipe.build(made())
        chosen = ({"name": name, "hidden": "botom"},)
        with pytest.raises(InputError, match="did you mean 'bottom'"):
            check(built.experiment, built.data, registry, chosen)
