"""Members of a population: what stands in their folders outlives the process."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import recipes

from genlab.config.stage import MAIN
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.run.recipe import Recipe
from genlab.storage.checkpoint import Checkpoints
from genlab.sweep import population
from genlab.sweep.member import Member, check_target
from genlab.trials import space
from genlab.trials.trial import resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")


@pytest.fixture(scope="module")
def trial():
    (trial,) = resolve(VAE, {"devices": "1"}, space.seeds(1))
    return trial


@pytest.fixture(scope="module")
def recipe(trial):
    return Recipe.build(trial.config)


def _member(trial, recipe, sweep, step):
    member = Member(trial, recipe, sweep, step)
    member.writers.close()
    return member


def test_member_that_cannot_begin_leaves_no_log_of_the_others_open(recipe, tmp_path):
    trials = resolve(VAE, {"devices": "1"}, space.seeds(2))
    course, checkpoints = SimpleNamespace(last=recipe), Checkpoints(tmp_path / "c")
    about = dict(trials=trials, sweep=tmp_path, course=course, checkpoints=checkpoints)
    trials[1].folder(tmp_path).symlink_to(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InputError, match="link") as refusal:
        population.Population.train(SimpleNamespace(**about), Stop())
    assert refusal and len(os.listdir("/proc/self/fd")) == before


def test_failed_member_stays_failed_while_its_rounds_stand(trial, recipe, tmp_path):
    """A gradient may overflow in a round that leaves the parameters finite."""
    rows = {"vae/gradient_norm": np.array([1.0, np.inf])}
    failed = trial.folder(tmp_path) / "failed.txt"
    _member(trial, recipe, tmp_path, 6).log(8, rows, MAIN, due=True)
    reason = "step 8: 'gradient_norm' of player 'vae' is inf"
    assert failed.read_text() == reason + "\n"
    again = _member(trial, recipe, tmp_path, 8)
    state = recipe.init_state()
    again.finish(recipe.trained(state), state)
    assert again.failure == failed.read_text().strip() == reason
    assert not (trial.folder(tmp_path) / "results.json").exists()
    assert _member(trial, recipe, tmp_path, 7).failure == ""
    assert not failed.exists()


def test_copy_of_a_winner_is_failed_no_more(trial, recipe, tmp_path):
    """Unless the run goes on from before it was copied, where it had failed."""
    rows = {"vae/gradient_norm": np.array([1.0, np.inf])}
    member = _member(trial, recipe, tmp_path, 2)
    member.log(4, rows, MAIN, due=True)
    reason = member.failure
    member.become(member, 6, {"optimizer.vae.learning_rate": 1e-3})
    assert reason and member.failure == ""
    failed = trial.folder(tmp_path) / "failed.txt"
    assert not failed.exists()
    assert _member(trial, recipe, tmp_path, 6).failure == ""
    assert _member(trial, recipe, tmp_path, 5).failure == reason
    assert _member(trial, recipe, tmp_path, 3).failure == ""


def test_failure_of_a_process_is_none_of_the_population(trial, recipe, tmp_path):
    failed = trial.folder(tmp_path) / "failed.txt"
    failed.parent.mkdir()
    failed.write_text("killed by SIGKILL\n")
    assert _member(trial, recipe, tmp_path, 8).failure == ""
    assert not failed.exists()


def test_target_whose_metric_failed_this_time_ends_no_population():
    members = [SimpleNamespace(values={"kl": 1.0}), SimpleNamespace(values={})]
    check_target(members, "-frechet/distance")
    check_target(members[1:], "kl")
    with pytest.raises(InputError, match="--target=elbow is not measured; measured ar"):
        check_target(members, "elbow")
