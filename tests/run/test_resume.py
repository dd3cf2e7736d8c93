"""Nothing that a resume accepts is ignored; `init_from` is used or refused."""

import dataclasses
import json

import pytest
import recipes
from ml_collections import ConfigDict

import genlab
from genlab.config.load import adopted
from genlab.errors import InputError
from genlab.evaluation.evaluate import undrawn
from genlab.registry import experiments
from genlab.run import resume
from genlab.run.course import Course, load_run
from genlab.run.folder import claim, load_config
from genlab.run.recipe import Recipe
from genlab.run.resume import RESUMABLE
from genlab.training.fit import check_fit
from genlab.training.train import train
from genlab.values import flat_keys

# Keys that a finished run takes up, those of rounds to come, and those that say where it runs.
TAKEN_UP = {
    "eval.batch_size": 32,
    "eval.final_split": "train",
    "eval.metrics": [{"name": "local_geometry", "num": 4, "radii": [1.0]}],
    "eval.final_metrics": [{"name": "principal_subspace", "num_train": 50, "num": 50}],
    "sample.plots": ["latent_embedding"],
}
TO_COME = {
    "log.every": 2,
    "eval.every": 2,
    "eval.split": "train",
    "eval.best": "-kl",
    "sample.every": 2,
    "checkpoint.every": 2,
    "checkpoint.keep": 1,
    "writers": [],
}
WHERE = {
    "parallel": "pmap",
    "devices": 2,
    "remat": "all",
    "train.steps_per_call": 4,
    "data.backend": "memory",
}


def _changed(**values):
    config = recipes.plain("vae", devices="1")
    for key, value in values.items():
        *path, last = key.split(".")
        home = config
        for step in path:
            home = home[step]
        home[last] = value
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vae") / "run"
    train(_changed(), folder, {})
    return folder


def test_every_key_that_may_differ_is_known_here():
    keys = {
        key
        for key in flat_keys(_changed())
        if key in RESUMABLE or key.partition(".")[0] in RESUMABLE
    }
    # train.steps makes rounds to come of its own; data.data_dir is a knob of some data sets.
    assert keys - {"train.steps"} == TAKEN_UP.keys() | TO_COME.keys() | WHERE.keys()


def test_run_from_before_keys_were_declared_goes_on(tmp_path):
    recipe = Recipe.build(_changed())
    claim(tmp_path, recipe, {})
    path = tmp_path / "config.json"
    record = json.loads(path.read_text())
    config = record["config"]
    assert config.pop("writers") == ["tensorboard"]
    for key in ("augment", "degrade", "subset_seed", "train_size"):
        del config["data"][key]
    path.write_text(json.dumps(record))
    assert load_config(tmp_path) == recipe.config
    claim(tmp_path, recipe, {}, finished=True)
    assert json.loads(path.read_text())["config"] == recipe.config
    base = genlab.base_config()
    data = {"name": "toy2d"}  # in the place of all that the section holds
    one = {k: v for k, v in base.items() if k != "writers"} | {"data": data}
    given = adopted(ConfigDict(one), "mine")
    assert given.writers == ["tensorboard"] and given.data.keys() == base.data.keys()


@pytest.mark.parametrize("key", TO_COME)
def test_what_is_past_cannot_change(finished, key):
    before = (finished / "config.json").read_text()
    recipe = dataclasses.replace(
        Recipe.build(_changed()), config=_changed(**{key: TO_COME[key]})
    )
    with pytest.raises(InputError, match=f"is finished, and {key}=.*raise train.steps"):
        claim(finished, recipe, {}, finished=True)
    assert (finished / "config.json").read_text() == before


def test_run_is_opened_with_the_defaults_that_it_was_made_with(finished, monkeypatch):
    before = load_run(finished)[0].config["experiment"]
    assert "samples" not in before
    field = experiments.find("vae").__dataclass_fields__["samples"]
    monkeypatch.setattr(field, "default", 3)
    assert load_run(finished)[0].config["experiment"] == {**before, "samples": 1}


def test_what_is_measured_and_drawn_at_the_end_is_taken_up(finished):
    before = {path.name for path in (finished / "samples").iterdir()}
    train(_changed(**TAKEN_UP, **WHERE), finished, {})
    drawn = {path.name for path in (finished / "samples").iterdir()} - before
    assert drawn == {"latent_embedding-00000008.png"}
    results = json.loads((finished / "results.json").read_text())["metrics"]
    assert results.keys() == {"held_out", "local_geometry", "principal_subspace"}
    for result in results.values():
        assert result["protocol"]["split"] == "train"
    assert results["held_out"]["protocol"]["batch_size"] == 32
    kept = flat_keys(json.loads((finished / "config.json").read_text())["config"])
    assert all(kept[key] == value for key, value in (TAKEN_UP | WHERE).items())


def test_part_by_its_name_alone_is_the_part_that_has_its_name(tmp_path):
    """As configs spelled the likelihood of a VAE before."""
    recipe = Recipe.build(_changed())
    old = _changed(**{"experiment.likelihood": "bernoulli"})
    assert isinstance(recipe.config["experiment"]["likelihood"], dict)
    check = lambda one: resume.check(tmp_path, one, recipe, None, finished=True)
    check(old)
    old["experiment"]["likelihood"] = "gaussian"
    with pytest.raises(InputError, match="likelihood.name='gaussian', not 'bernoulli'"):
        check(old)


def test_pictures_that_a_finished_run_lacks_are_known_by_their_names(tmp_path):
    chosen = ["latent_embedding", {"name": "mine:plot", "num": 4}]
    (tmp_path / "latent_embedding-00000004.png").touch()
    assert undrawn(chosen, tmp_path, 8) == chosen
    (tmp_path / "mine-plot-00000008.png").touch()
    assert undrawn(chosen, tmp_path, 8) == chosen[:1]


def test_init_from_is_used_or_refused(finished):
    config = _changed(init_from=str(finished))
    told = f"init_from={str(finished)!r} is used by no start; .*copy.*'vae': 'init/vae'"
    with pytest.raises(InputError, match=told):
        Course.build(config)
    config["start"] = {"name": "copy", "parts": {"vae": "other/vae"}}
    with pytest.raises(InputError, match=told):
        Course.build(config)
    config["start"] = {"name": "copy", "parts": {"vae": "init/vae"}}
    assert Course.build(config).sources.keys() == {"init"}


SAMPLED = {
    "diffusion": {"sampler": {"name": "ddim", "steps": 2}, "guidance": 0.0},
    "ebm": {"sample_steps": 3, "sample_from": "noise"},
    **{key: {"sample_sweeps": 3} for key in ("rbm", "dbm", "dbn", "boltzmann")},
}


def test_every_family_that_says_what_its_samples_are_drawn_with_is_known_here():
    families = {recipes.plain(name)["experiment"]["name"] for name in SAMPLED}
    assert families == {n for n in experiments if experiments.find(n).SAMPLING}


@pytest.mark.parametrize("name", SAMPLED)
def test_what_samples_are_drawn_with_decides_nothing_else(name):
    """The round is the same program, letter by letter."""
    rounds = []
    for changed in ({}, SAMPLED[name]):
        config = recipes.plain(name)
        config["experiment"] |= changed
        recipe = Recipe.build(config)
        assert changed.keys() <= set(recipe.experiment.SAMPLING)
        rounds.append(str(check_fit(recipe, recipe.feed())))
    assert rounds[0] == rounds[1]


def test_a_trained_diffusion_goes_on_with_another_sampler(tmp_path, caplog):
    config = {**recipes.plain("diffusion"), "writers": []}
    train(config, tmp_path, {})
    few = genlab.open(tmp_path).sample(2)
    changed = {**config, "experiment": {**config["experiment"]}}
    changed["experiment"]["sampler"] = {"name": "ddim", "steps": 7}
    train(changed, tmp_path, {})
    run = genlab.open(tmp_path)
    assert run.config["experiment"]["sampler"] == {"name": "ddim", "steps": 7}
    assert run.step == config["train"]["steps"]
    assert (run.sample(2) != few).any()
    changed["experiment"]["target"] = "v"
    with pytest.raises(InputError, match="experiment.target='noise', not 'v'"):
        train(changed, tmp_path, {})
