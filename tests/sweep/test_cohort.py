"""Cohorts: the devices that the members of a population share."""

import jax
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.run.recipe import Recipe
from genlab.sweep import cohort
from genlab.sweep.cohort import Cohort
from genlab.training.rounds import rounds_of
from genlab.trials import space
from genlab.trials.trial import resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")
ROUNDS = 4


def _cohort(devices):
    trials = resolve(VAE, {"devices": str(devices)}, space.seeds(4))
    configs = [trial.config for trial in trials]
    return Cohort(Recipe.build(configs[0]), configs)


@pytest.mark.parametrize(("devices", "used"), [(0, 4), (1, 1), (2, 2), (3, 2)])
def test_members_share_the_devices_that_the_config_names(devices, used):
    four = _cohort(devices)
    blank = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), four.shapes())
    for leaf in jax.tree.leaves(four.place(blank).state):
        assert leaf.sharding.device_set == set(jax.devices()[:used])


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(InputError, match="devices=64, but this machine has 4"):
        _cohort(64)


def test_every_member_is_held_to_the_range_of_its_schedules():
    """As the run alone, not the first of them for all."""
    scale = "{'name': 'linear', 'steps': 4}"
    knob = "experiment.likelihood.scale"
    common = {"experiment.likelihood": "gaussian", knob: scale}
    trials = resolve(VAE, common, space.grid(**{f"{knob}.end": (0.5, 0.0)}))
    configs = [trial.config for trial in trials]
    with pytest.raises(InputError, match="round 5 objective 'gaussian': scale=0.0 is"):
        Cohort(Recipe.build(configs[0]), configs)


def _trained(four):
    crowd, _ = four.call(four.first({}), four.resident(), 0, ROUNDS)
    return jax.device_get(crowd.state)


@pytest.fixture(scope="module")
def side_by_side():
    """The state of members that one `vmap` trains on one device."""
    return _trained(_cohort(1))


@pytest.mark.full
def test_large_members_on_a_cpu_take_turns(side_by_side, monkeypatch):
    monkeypatch.setattr(cohort, "LARGE", 0)
    recipes.assert_close(side_by_side, _trained(_cohort(1)), 1e-5)


@pytest.mark.full
def test_member_on_one_of_two_devices_is_the_run_alone(side_by_side):
    shared = _trained(_cohort(2))
    recipes.assert_close(side_by_side, shared, 1e-5)
    (trial,) = resolve(VAE, {"devices": "1"}, [{"seed": 3}])
    alone = Recipe.build(trial.config)
    feed = alone.feed()
    rounds = jax.jit(rounds_of(alone.experiment, feed))
    chunk, seed = feed.chunk(0, ROUNDS), np.uint32(3)
    state, _ = rounds(alone.init_state(), feed.resident, chunk, seed)
    member = jax.tree.map(lambda leaf: leaf[3], shared)
    recipes.assert_close(jax.device_get(state), member, 1e-5)
