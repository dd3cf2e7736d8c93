"""Stages: what one leaves the next takes, and a run that is cut in any of them ends the same."""

import shutil
from dataclasses import replace

import jax
import numpy as np
import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.run.course import Course, load_run
from genlab.run.folder import claim
from genlab.run.recipe import Recipe
from genlab.run.start import copy
from genlab.storage.checkpoint import Checkpoints
from genlab.sweep import population
from genlab.training import train as loop
from genlab.training.train import train
from genlab.trials import space
from genlab.trials.tail import Tail
from genlab.trials.trial import resolve

PATH = str(recipes.CONFIGS / "stacked_autoencoder.py:tiny")
ENDS = [4, 8, 16]
EMA = {"ema": "0.9", "accumulate": "2"}


def _plain(**changes):
    return recipes.plain("stacked_autoencoder", devices="1", **changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacked") / "whole"
    return folder, jax.device_get(train(_plain(), folder, {}))


def _checkpoint(folder, step):
    course = Course.build(_plain())
    return Checkpoints(folder / "checkpoints").read(step, course.at(step).shapes())


def test_rounds_count_through_and_the_ends_of_stages_are_kept(whole):
    folder, state = whole
    assert [stage.end for stage in stages_of(_plain())] == ENDS
    assert int(state.step) == 16
    assert set(ENDS) <= set(Checkpoints(folder / "checkpoints").steps())


def test_frozen_layers_are_the_trained_ones_and_stay(whole):
    first, second = (_checkpoint(whole[0], step) for step in (4, 8))
    recipes.assert_identical(
        second.params["frozen"]["features"]["layer_0"],
        first.params["autoencoder"]["encoder"]["layer_0"],
    )


@pytest.mark.full
def test_classifier_starts_from_the_pretrained_layers(whole):
    course = Course.build(_plain())
    first, second = (_checkpoint(whole[0], step) for step in (4, 8))
    sources = {
        recipe.stage: recipe.experiment.view(state)
        for recipe, state in zip(course.recipes, (first, second), strict=False)
    }
    start = course.last.first_state(np.uint32(0), sources)
    encoder = start.params["classifier"]["classifier"]["encoder"]
    for index, state in enumerate((first, second)):
        recipes.assert_identical(
            jax.device_get(encoder[f"layer_{index}"]),
            state.params["autoencoder"]["encoder"]["layer_0"],
        )
    assert int(start.step) == 8


@pytest.mark.parametrize(
    "saves", [2, *(pytest.param(saves, marks=pytest.mark.full) for saves in (1, 3))]
)
def test_run_that_is_cut_in_any_stage_ends_bit_identical(
    saves, whole, tmp_path, monkeypatch
):
    """The process dies at its nth save: in each stage, before and after its end."""
    save, count = Checkpoints._save, []

    def dying(self, state, step, writing):
        save(self, state, step, writing)
        count.append(step)
        if len(count) == saves:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "_save", dying)
        with pytest.raises(KeyboardInterrupt):
            train(_plain(), tmp_path, {})
    resumed = train(_plain(), tmp_path, {})
    recipes.assert_identical(whole[1], jax.device_get(resumed))


def test_stage_that_is_cut_before_its_last_look_is_looked_at_again(
    whole, tmp_path, monkeypatch
):
    look = loop.evaluated

    def dying(trained, state, *rest):
        if int(state.step) == ENDS[0]:
            raise KeyboardInterrupt
        return look(trained, state, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "evaluated", dying)
        with pytest.raises(KeyboardInterrupt):
            train(_plain(), tmp_path, {})
    train(_plain(), tmp_path, {})
    kept, expected = (
        sorted((line["step"], line["split"]) for line in Tail(path).lines())
        for path in (tmp_path / "metrics.jsonl", whole[0] / "metrics.jsonl")
    )
    timed = [[key for key in keys if key[1] != "time"] for keys in (kept, expected)]
    assert timed[0] == timed[1]


def test_run_whose_last_stage_has_begun_needs_no_stage_before_it(whole, tmp_path):
    """Members of a population keep no checkpoint of a stage's end."""
    folder = tmp_path / "member"
    shutil.copytree(whole[0], folder)
    for step in ENDS:
        shutil.rmtree(folder / f"checkpoints/{step:08d}")
    (folder / "results.json").unlink()
    assert Checkpoints(folder / "checkpoints").steps() == [12]
    resumed = train(_plain(), folder, {})
    recipes.assert_identical(whole[1], jax.device_get(resumed))


def test_run_whose_stage_starts_from_another_run_is_loaded_without_it(tmp_path):
    config = _plain()
    parts = {"autoencoder/encoder": "init/autoencoder/encoder"}
    config["stages"][0]["start"] = {"name": "copy", "parts": parts}
    config["init_from"] = str(tmp_path / "gone")
    first, *_ = stages_of(config)
    recipe = Recipe.build(first.config, first.name)
    claim(tmp_path, replace(recipe, config=config), {})
    state = recipe.init_state()
    Checkpoints(tmp_path / "checkpoints").save(state, 0)
    loaded, found = load_run(tmp_path)
    assert loaded.stage == "layer_0"
    recipes.assert_identical(jax.device_get(state), jax.device_get(found))


def test_ema_counts_the_updates_of_its_own_stage(tmp_path):
    """Two moves make an update, after which a young average holds 2/11 of its start."""
    ema = {f"optimizer__classifier__{knob}": value for knob, value in EMA.items()}
    config = _plain(stages__layer_0__train__steps="3", train__steps="2", **ema)
    config["stages"], config["start"] = config["stages"][:1], {"name": "fresh"}
    state = train(config, tmp_path, {})
    first = Course.build(config).last.first_state(np.uint32(config["seed"]))
    averaged = jax.tree.map(
        lambda old, new: 2 / 11 * old + 9 / 11 * new,
        *(each.params["classifier"] for each in (first, state)),
    )
    found = state.extra["ema"]["classifier"]["params"]
    recipes.assert_close(jax.device_get(found), jax.device_get(averaged), 1e-6)


@pytest.mark.full
def test_population_trains_stages_as_each_member_alone(tmp_path):
    common = {"devices": "1", "eval.metrics": "()", "stages.layer_0.train.steps": "3"}
    common |= {f"optimizer.classifier.{k}": v for k, v in EMA.items()}
    trials = resolve(PATH, common, space.seeds(2))
    population.train(trials, tmp_path, Stop())
    alone = train(trials[1].config, tmp_path / "alone", {})
    _, member = load_run(trials[1].folder(tmp_path))
    recipes.assert_close(jax.device_get(alone), jax.device_get(member), 1e-5)


def test_run_starts_from_another_run(whole, tmp_path):
    config = _plain(stages="()", train__steps="2", init_from=str(whole[0]))
    config["start"] = {"name": "copy", "parts": {"classifier": "init/classifier"}}
    course = Course.build(config)
    start = course.last.first_state(np.uint32(0), course.sources)
    recipes.assert_identical(
        jax.device_get(start.params["classifier"]), whole[1].params["classifier"]
    )
    assert int(start.step) == 0


def _finetuned(name, folder):
    """The untrained machine of a run, and the classifier that its variant `finetune` starts with."""
    config = recipes.plain(name, "", stages="()", start="fresh")
    recipe = Recipe.build(config)
    claim(folder, recipe, {})
    state = recipe.init_state()
    Checkpoints(folder / "checkpoints").save(state, 0)
    course = Course.build(recipes.plain(name, "finetune", init_from=str(folder)))
    start = course.last.first_state(np.uint32(1), course.sources)
    return state.params[name], start.params["classifier"]["classifier"]


def test_classifier_starts_from_the_run_of_a_belief_network(tmp_path):
    network, classifier = _finetuned("dbn", tmp_path)
    recipes.assert_identical(
        classifier["encoder"]["layer_0"], network["recognition"]["layer_0"]
    )
    top, machine = classifier["encoder"]["layer_1"], network["machine"]
    recipes.assert_identical(top["kernel"], machine["kernel"])
    recipes.assert_identical(top["bias"], machine["hidden_bias"])


def test_classifier_starts_from_the_run_of_a_deep_machine(tmp_path):
    network, classifier = _finetuned("dbm", tmp_path)
    machine = network["machine"]
    recipes.assert_identical(classifier["machine"], machine)
    for layer in (0, 1):
        kernel = classifier[f"layer_{layer}"]["kernel"]
        recipes.assert_identical(kernel, machine[f"kernel_{layer}"])
    recipes.assert_identical(classifier["feedback"]["kernel"], machine["kernel_1"])


def test_batch_statistics_come_along():
    recipe = recipes.recipe("dcgan")
    state = recipe.init_state()
    params, extra = recipe.experiment.view(state)
    marked = jax.tree.map(lambda leaf: leaf + 1, extra)
    parts = {"generator/generator": "stage/generator/generator"}
    _, copied = copy(params, extra, {"stage": (params, marked)}, parts=parts)
    recipes.assert_identical(copied["batch_stats"], marked["batch_stats"])
    parts = {"discriminator/discriminator": "stage/discriminator/discriminator"}
    _, kept = copy(params, extra, {"stage": (params, marked)}, parts=parts)
    recipes.assert_identical(kept["batch_stats"], extra["batch_stats"])


def test_override_reaches_into_a_stage():
    config = configs.load(PATH)
    override.apply(
        config,
        {
            "stages.layer_1.train.steps": "6",
            "stages.layer_0.optimizer.autoencoder.learning_rate": "0.5",
            "stages.layer_1.train.batch_size": "4",
        },
    )
    first, second, main = stages_of(configs.plain(config))
    assert first.config["optimizer"]["autoencoder"]["learning_rate"] == 0.5
    assert (second.config["train"]["steps"], main.begin) == (6, 10)
    assert second.config["train"]["batch_size"] == 4
    assert main.config["train"]["batch_size"] == 8


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("stages.layer_9.train.steps", "3", "no key 'stages.layer_9'.*layer_"),
        ("stages.layer_0.trian.steps", "3", "no key 'trian'.*did you mean 'train'"),
        ("stages.layer_0.train.steps", "x", "not of type int"),
    ],
)
def test_mistakes_in_stage_overrides(key, text, message):
    with pytest.raises(InputError, match=message):
        override.override(configs.load(PATH), key, text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["stages"][0].update(trian={}), "no key 'trian'; did you mean"),
        (lambda c: c["stages"][0].update(name="main"), "called neither 'main'"),
        (lambda c: c["stages"][1].update(name="layer_0"), "'layer_0' twice"),
        (lambda c: c["stages"][0]["train"].update(steps=0), "train.steps=0"),
        (lambda c: c["stages"][0]["model"].pop("encoder"), "needs 'encoder'"),
        (
            lambda c: c["start"]["parts"].update({"classifier": "layer_3/x"}),
            "no source 'layer_3'.*did you mean",
        ),
        (
            lambda c: c["start"]["parts"].update(
                {"classifier/classifier/hed": "layer_0/autoencoder/encoder/layer_0"}
            ),
            "no 'hed' to fill; did you mean 'head'",
        ),
        (
            lambda c: c["model"]["classifier"].update(widths=[6, 4]),
            "'layer_1/autoencoder/encoder/layer_0' does not fit: bias is .* here, .* there",
        ),
    ],
)
def test_stages_that_do_not_fit_are_refused_before_training(change, message, tmp_path):
    config = _plain()
    change(config)
    with pytest.raises(InputError, match=message):
        train(config, tmp_path, {})
    assert not list(tmp_path.iterdir())
