"""The loop's edges: runs that are extended, cut short or asked to go back."""

import pytest
import recipes

from genlab import train as loop
from genlab.checkpoint import Checkpoints
from genlab.errors import InputError
from genlab.recipe import Recipe
from genlab.run import claim
from genlab.sweep.tail import Tail
from genlab.train import train


def _plain(**changes):
    quick = {"devices": "1", "sample__plots": "()", "eval__best": "negative_elbo"}
    return recipes.plain("vae", **{**quick, **changes})


def test_refused_run_leaves_the_config_of_its_folder(tmp_path):
    recipe = Recipe.build(_plain())
    claim(tmp_path, recipe, {})
    Checkpoints(tmp_path / "checkpoints").save(recipe.init_state(), 8)
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(InputError, match="has done 8 rounds, more than the 4 of its"):
        train(_plain(train__steps="4"), tmp_path, {})
    assert (tmp_path / "config.json").read_text() == before


def test_extended_run_that_dies_at_its_last_look_is_looked_at_again(
    tmp_path, monkeypatch
):
    train(_plain(), tmp_path, {})
    look = loop.evaluated

    def dying(trained, state, *rest):
        if int(state.step) == 12:
            raise KeyboardInterrupt
        return look(trained, state, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "evaluated", dying)
        with pytest.raises(KeyboardInterrupt):
            train(_plain(train__steps="12"), tmp_path, {})
    train(_plain(train__steps="12"), tmp_path, {})
    lines = Tail(tmp_path / "metrics.jsonl").lines()
    measured = [line["step"] for line in lines if line["split"] == "validation"]
    assert measured == [0, 4, 8, 12]
