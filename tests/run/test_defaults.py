"""Defaults that a run was made with: written out, kept through changes, and told."""

import dataclasses
import functools
import json
import re
from pathlib import Path

import pytest
import recipes
from ml_collections import ConfigDict

from genlab.config import load as configs
from genlab.config import override
from genlab.errors import InputError
from genlab.registry import models, objectives
from genlab.run import record
from genlab.run.defaults import defaults_of, settled
from genlab.run.folder import claim
from genlab.run.recipe import Recipe
from genlab.run.resume import check_config

LOSS = objectives.find("non_saturating")


def blank(tree):
    return {k: blank(v) if isinstance(v, dict) else object() for k, v in tree.items()}


def test_every_recipe_can_be_spelled_with_its_defaults():
    for name in recipes.all_configs():
        config = recipes.plain(name)
        was = json.loads(json.dumps(defaults_of(config)))
        assert settled(config, was, was) is config
        spelled = settled(config, was, blank(was))
        assert spelled != config
        configs.check_parts(spelled)
        # Nothing is left but what the data decide.
        left = defaults_of(spelled)
        assert settled(spelled, left, blank(left)) == spelled, name


def test_what_is_no_part_is_refused_as_one():
    config = recipes.plain("dcgan")
    for key in ("augment", "degrade"):
        for wrong in (5, [5], [{"size": 1}], {"size": 1}):
            data = {**config["data"], key: wrong}
            with pytest.raises(InputError, match="unknown"):
                defaults_of({**config, "data": data})


@pytest.fixture
def run(tmp_path):
    recipe = Recipe.build(recipes.plain("gan_ring"))
    claim(tmp_path, recipe, {})
    return tmp_path, recipe


def with_label(recipe, real_label):
    objective = {**recipe.config["objective"], "real_label": real_label}
    return dataclasses.replace(recipe, config={**recipe.config, "objective": objective})


def test_default_that_changed_is_told_and_can_be_kept(run, monkeypatch):
    folder, recipe = run
    was = record.defaults(folder)
    assert was["objective"]["real_label"] == 1.0
    assert was["optimizer"]["generator"]["b2"] == 0.999
    monkeypatch.setitem(LOSS.__kwdefaults__, "real_label", 0.9)
    told = (
        r"objective.real_label=1.0, the default of then, which is 0.9 now; --config.o"
    )
    with pytest.raises(InputError, match=told):
        claim(folder, recipe, {})
    with pytest.raises(InputError, match="made with objective.real_label=1.0, not 0.5"):
        claim(folder, with_label(recipe, 0.5), {})
    kept = settled(recipe.config, was, defaults_of(recipe.config))
    assert kept == with_label(recipe, 1.0).config
    claim(folder, with_label(recipe, 1.0), {})


@pytest.mark.parametrize(
    ("recipe", "changes", "key", "then"),
    [
        ("gan_ring", {"experiment.penalty": "('r1',)"}, "penalty r1 weight", 0.5),
        (
            "gan_ring",
            {"experiment.penalty": "({'name': 'r1'},)"},
            "penalty r1 weight",
            2,
        ),
        ("vae", {"experiment": "vae"}, "likelihood name", "gaussian"),
        ("dbm", {}, "layer_0 experiment sweeps", 7),
        ("dcgan", {"data.augment": "random_crop"}, "random_crop padding", 2),
    ],
)
def test_flag_that_is_told_keeps_the_default_of_then(recipe, changes, key, then):
    config = ConfigDict(recipes.plain(recipe))
    override.apply(config, changes)
    check = lambda new: check_config(
        Path("run"), configs.plain(config), new, may_have_moved=False, was=was
    )
    was = defaults_of(configs.plain(config))
    section = {"random_crop": "data augment", "layer_0": "stages"}
    *path, last = f"{section.get(key.split()[0], 'experiment')} {key}".split()
    home = functools.reduce(dict.__getitem__, path, was)
    now, home[last] = home[last], then
    with pytest.raises(InputError, match=f"of then, which is {now!r} now") as refused:
        check(configs.plain(config))
    told = re.search(r"--config\.(\S+)=(\S+) goes on, ", str(refused.value))
    assert bool(told) == (recipe != "dcgan"), "one of several augmentations has no flag"
    renewed = ConfigDict(configs.plain(config))
    kept = told and {told[1]: told[2]}
    override.apply(
        renewed, kept or {"data.augment": str(({"name": path[-1], last: then},))}
    )
    assert not check(configs.plain(renewed))
    assert defaults_of(configs.plain(renewed)) != was, "it is set"


def test_run_of_before_defaults_were_kept_goes_on(run, monkeypatch):
    folder, recipe = run
    content = json.loads((folder / "config.json").read_text())
    del content["defaults"], content["sources"]
    (folder / "config.json").write_text(json.dumps(content))
    monkeypatch.setitem(LOSS.__kwdefaults__, "real_label", 0.9)
    with pytest.raises(
        InputError, match="made with objective.real_label=None, not 0.5"
    ):
        claim(folder, with_label(recipe, 0.5), {})
    claim(folder, recipe, {})
    assert record.defaults(folder)["objective"]["real_label"] == 0.9


def test_knob_that_is_gone_or_new_is_no_difference(run, monkeypatch):
    folder, recipe = run
    content = json.loads((folder / "config.json").read_text())
    name = recipe.config["model"]["generator"]["name"]
    assert content["defaults"]["model"]["generator"].pop("activation")
    content["defaults"]["objective"]["former"] = 3.0
    (folder / "config.json").write_text(json.dumps(content))
    assert "activation" in models.knobs(name)
    claim(folder, recipe, {})
    now = defaults_of(recipe.config)
    assert settled(recipe.config, content["defaults"], now) == recipe.config
