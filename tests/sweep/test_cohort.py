"""Cohorts: the devices that the members of a population share."""

import jax
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.run.course import load_run
from genlab.run.recipe import Recipe
from genlab.sweep import population
from genlab.sweep.cohort import Cohort
from genlab.training.train import train
from genlab.trials import space
from genlab.trials.trial import resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")
QUICK = {"eval.metrics": "()", "sample.plots": "()"}


def _cohort(devices):
    trials = resolve(VAE, {"devices": str(devices)}, space.seeds(4))
    configs = [trial.config for trial in trials]
    return Cohort(Recipe.build(configs[0]), configs)


@pytest.mark.parametrize(("devices", "used"), [(0, 4), (1, 1), (2, 2), (3, 2)])
def test_members_share_the_devices_that_the_config_names(devices, used):
    cohort = _cohort(devices)
    blank = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), cohort.shapes())
    for leaf in jax.tree.leaves(cohort.place(blank).state):
        assert leaf.sharding.device_set == set(jax.devices()[:used])


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(InputError, match="devices=64, but this machine has 4"):
        _cohort(64)


def test_member_on_one_of_two_devices_is_the_run_alone(tmp_path):
    trials = resolve(VAE, {**QUICK, "devices": "2"}, space.seeds(2))
    population.train(trials, tmp_path, Stop())
    alone = train(trials[1].config, tmp_path / "alone", {})
    _, member = load_run(trials[1].folder(tmp_path))
    recipes.assert_close(jax.device_get(alone), jax.device_get(member), 1e-5)
