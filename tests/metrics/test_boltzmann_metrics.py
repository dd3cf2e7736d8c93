"""Likelihood, completion and pictures of machines as the commands make them."""

import functools

import jax
import numpy as np
import pytest
import recipes

from genlab.data.prepare import Preparation
from genlab.data.statistics import example_mean, example_range
from genlab.errors import InputError
from genlab.metrics.unnormalized import unnormalized
from genlab.registry import metrics, plots
from genlab.training.train import train

BETAS = (50, 400, 600)


@functools.cache
def trained(name):
    built = recipes.recipe(name)
    state, _ = recipes.run_rounds(built, 4, 4)
    return built.trained(jax.device_put(state))


def measured(name, model, **knobs):
    return metrics.build(name, **knobs)(model, "test")


@pytest.mark.parametrize(
    "name",
    ["rbm_pcd"]
    + [
        pytest.param(name, marks=pytest.mark.full)
        for name in ("rbm", "rbm_gaussian", "dbn", "dbm")
    ],
)
def test_annealed_likelihood_is_the_exact_one(name):
    model = trained(name)
    exact = measured("exact_log_likelihood", model, num=20).values
    found = measured("log_likelihood", model, num=20, betas=BETAS, burn_in=10).values
    assert found["consistent"] == 1
    assert abs(found["log_z"] - exact["log_z"]) < 0.1
    assert abs(found["log_likelihood"] - exact["log_likelihood"]) < 0.1
    assert found["low"] < found["log_likelihood"] < found["high"]
    # Twenty digits say less of the split than annealing does of log Z.
    assert found["high"] - found["low"] > 3 * found["example_error"]
    assert found["log_z_low"] <= found["log_z"] <= found["log_z_high"]
    persistent = name in ("rbm_pcd", "dbm")
    assert ("log_z_chains" in found) == persistent
    assert {"log_z_data", "log_z_tempered", "log_z_forward"} <= found.keys()


def _steep(name, factor):
    """The tiny model with its weights scaled, so that annealing in few steps fails."""
    built = recipes.recipe(name)
    state, _ = recipes.run_rounds(built, 1, 1)
    params = jax.tree.map(lambda leaf: factor * (leaf + 0.03), state.params)
    return built.trained(jax.device_put(state.replace(params=params)))


def test_a_likelihood_that_is_not_consistent_is_refused():
    knobs = dict(num=10, betas=(1, 1, 1), burn_in=5)
    values = measured("log_likelihood", _steep("rbm", 30.0), **knobs).values
    assert values["consistent"] == 0
    for name in ("log_likelihood", "low", "high"):
        assert np.isnan(values[name])
    assert np.isfinite(values["log_z"])


@pytest.mark.full
def test_models_are_compared_on_the_same_examples(monkeypatch):
    """Examples move both alike: the difference is surer than either likelihood."""
    one, other = trained("rbm"), trained("rbm_pcd")
    monkeypatch.setattr("genlab.metrics.log_likelihood._run", lambda folder: other)
    knobs = dict(num=20, betas=BETAS, burn_in=10)
    found = measured("log_likelihood", one, against="runs/pcd", **knobs)
    exact = []
    for model in (one, other):
        scores = unnormalized(model, one.examples("test", 20), "test")
        exact.append(
            scores.mean() - measured("exact_log_likelihood", model).values["log_z"]
        )
    values = found.values
    assert values["difference_low"] < exact[0] - exact[1] < values["difference_high"]
    assert abs(values["difference"] - (exact[0] - exact[1])) < 0.2
    width = values["difference_high"] - values["difference_low"]
    assert width < (values["high"] - values["low"]) / 2
    assert found.protocol["against"] == "run pcd, round 4"


def test_gray_pixels_of_bernoulli_units_have_no_log_p():
    built = recipes.Recipe.build(recipes.plain("rbm", data__binarize="none"))
    model = built.trained(built.init_state())
    found = measured("exact_log_likelihood", model, num=20)
    assert set(found.values) == {"bernoulli_score", "log_z"}
    assert found.protocol["binarized"] == "none"
    knobs = dict(num=20, betas=(5, 5, 5), burn_in=1)
    assert "log_likelihood" not in measured("log_likelihood", model, **knobs).values


def test_impossible_protocols_are_refused():
    for knobs in (
        dict(runs=1),
        dict(temperatures=1),
        dict(betas=(1, 2)),
        dict(num_train=0),
    ):
        with pytest.raises(InputError, match="is not"):
            measured("log_likelihood", trained("rbm"), **knobs)
    with pytest.raises(InputError, match="needs log_unnormalized and machine"):
        measured("log_likelihood", trained("vae"))
    with pytest.raises(InputError, match="needs complete"):
        measured("completion", trained("dbn"))
    with pytest.raises(InputError, match="'up' is no half; one of bottom"):
        measured("completion", trained("rbm"), hidden="up")


@pytest.mark.parametrize("name", ["rbm", "rbm_gaussian", "dbm"])
def test_completion_keeps_the_known_half(name):
    model = trained(name)
    values = measured("completion", model, num=4).values
    x = model.examples("test", 4)["x"]
    mean = model.examples("train", 4)["x"].mean(axis=0)
    expected = np.mean(np.square(x - mean[None])[:, 4:])
    assert values["mean_image_error"] == pytest.approx(expected, rel=1e-5)
    assert 0 < values["squared_error"] < 1
    known = np.zeros((8, 8, 1), bool)
    known[:4] = True
    out = model.call("complete", x, known, jax.random.key(0))
    np.testing.assert_allclose(out[:, :4], x[:, :4], atol=1e-6)


def test_gap_is_held_out_above_training_free_energy():
    model = trained("rbm_gaussian")
    found = metrics.build("free_energy_gap", num=10_000, num_train=20)(model, "test")
    machine = model.call("machine")
    means = {
        split: machine.free_energy(x.reshape(len(x), -1) / 0.2).mean()
        for split, x in (
            ("test", model.examples("test", 300)["x"]),
            ("train", model.examples("train", 20)["x"]),
        )
    }
    volume = 64 * np.log(0.2)  # of the examples' space, above that of the units
    for name, split in (("held_out", "test"), ("train", "train")):
        np.testing.assert_allclose(found.values[name], means[split] + volume, rtol=1e-4)
    gap = means["test"] - means["train"]
    np.testing.assert_allclose(found.values["gap"], gap, atol=1e-2)
    assert abs(gap) > 0.1
    assert (found.protocol["examples"], found.protocol["train_examples"]) == (300, 20)


@pytest.mark.parametrize(
    ("name", "plot"),
    [
        ("rbm_pcd", "fantasies"),
        ("dbm", "fantasies"),
        ("boltzmann", "fantasies"),
        ("rbm", "completions"),
        ("rbm", "receptive_filters"),
        ("dbn", "receptive_filters"),
    ],
)
def test_pictures(name, plot):
    picture = plots.build(plot)(trained(name))
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.std() > 0


def test_pictures_say_what_they_need():
    with pytest.raises(InputError, match=r"persistent chains; set experiment.chains"):
        plots.build("fantasies")(trained("rbm"))
    with pytest.raises(InputError, match="labels in the top machine"):
        plots.build("class_samples")(trained("dbn"))


@pytest.mark.parametrize("name", ["dbn", pytest.param("dbm", marks=pytest.mark.full)])
def test_classifier_starts_from_the_stack_and_ends(name, tmp_path):
    config = recipes.plain(name, "classifier", devices="1", train__steps="4")
    config["train"].update(batch_size=8, steps_per_call=2)
    config["log"]["every"] = config["eval"]["every"] = 4
    config["checkpoint"]["every"] = 4
    for stage in config["stages"]:
        stage["train"] = {"steps": 4, "batch_size": 8}
        for part in ("eval", "sample"):
            stage.pop(part, None)
    state = train(config, tmp_path, {})
    assert int(state.step) == 4 * (1 + len(config["stages"]))


def test_mean_and_range_of_examples():
    data = recipes.recipe("rbm").data
    x = data.splits["train"].gather(np.arange(data.splits["train"].size))["x"]
    np.testing.assert_allclose(example_mean(data), x.mean(axis=0) / 255, atol=1e-5)
    assert example_range(data, Preparation(value_range=(-1.0, 1.0))) == (-1.0, 1.0)
    ring = recipes.recipe("gan_ring").data
    points = ring.splits["train"].gather(np.arange(ring.splits["train"].size))["x"]
    low, high = example_range(ring, Preparation())
    assert (low, high) == (points.min(), points.max())
