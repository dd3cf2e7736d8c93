"""Samples and their features on several devices: those of one, whatever the metric."""

import dataclasses

import jax
import numpy as np
import pytest
import recipes
from given import Given, digits, stored

from genlab.data.prepare import Preparation
from genlab.distances.frechet import frechet_distance, moments_of
from genlab.features.features import choose
from genlab.game import rng
from genlab.game.turn import State
from genlab.metrics import seen as seen_in
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.trained import Trained

NETWORK = dict(name="random", width=24, size=8)
NUM = 3 * SAMPLE_CHUNK + 20  # four chunks, the last one short


class Noisy(Given):
    """Digits with noise on each, a gain that is trained, and classes."""

    def sample(self, params, extra, key, num):
        found = super().sample(params, extra, key, num)
        noise = rng.normal(rng.fold(key, "noise"), found.shape)
        return params["gain"] * found + 0.1 * noise


def view(count):
    """The view of one model on the first `count` devices."""
    pool, label = stored("train")
    params = {"gain": jax.numpy.float32(0.9)}
    experiment, state = Noisy(pool, label), State(0, params, {}, {})
    preparation, devices = Preparation((-1.0, 1.0)), jax.devices()[:count]
    return Trained(experiment, state, digits(), preparation, 7, devices=devices)


def test_everything_is_that_of_one_device():
    network = choose(NETWORK)
    labels = np.arange(NUM) % 10
    found = {}
    for count in (1, 3):
        trained = view(count)
        seen = seen_in.of_samples(trained, network, NUM).features
        real = seen_in.of_examples(trained, network, "train", NUM).features
        found[count] = (
            trained.sample(NUM),
            trained.sample(NUM, labels),
            seen,
            real,
            frechet_distance(moments_of([seen]), moments_of([real])),
        )
    for one, other in zip(found[1], found[3], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9)
    chunks = list(view(3).samples_in_chunks(NUM))
    assert [len(chunk.sharding.device_set) for chunk in chunks] == [3, 3]
    assert len(found[1][0]) == NUM
    few = next(view(4).samples_in_chunks(SAMPLE_CHUNK))
    assert len(few.sharding.device_set) == 1


def test_classes_whose_names_are_numbers_are_asked_for_by_name():
    trained, network = view(1), choose(NETWORK)
    names = tuple(str((index + 1) % 10) for index in range(10))
    trained.data = dataclasses.replace(trained.data, class_names=names)
    np.testing.assert_array_equal(trained.sample(5, "2"), view(1).sample(5, 1))
    seen = seen_in.of_samples(trained, network, 5, label="2").features
    by_index = seen_in.of_samples(view(1), network, 5, label=1).features
    np.testing.assert_array_equal(seen, by_index)


def test_frechet_does_not_depend_on_the_batches_of_features():
    network = choose(NETWORK)
    seen = seen_in.of_samples(view(1), network, NUM).features
    truth = moments_of([seen_in.of_examples(view(1), network, "test", NUM).features])
    whole = frechet_distance(moments_of([seen]), truth)
    for size in (1, 7, SAMPLE_CHUNK):
        parts = [seen[first : first + size] for first in range(0, NUM, size)]
        np.testing.assert_allclose(
            frechet_distance(moments_of(parts), truth), whole, rtol=1e-9
        )


@pytest.mark.full
@pytest.mark.parametrize("name", recipes.all_configs())
def test_samples_of_every_game_are_those_of_one_device(name):
    built = recipes.recipe(name)
    one, two = built.trained(built.init_state()), built.trained(built.init_state())
    one.devices, two.devices = jax.devices()[:1], jax.devices()[:2]
    if not one.has("sample"):
        pytest.skip("does not sample")
    num = SAMPLE_CHUNK + 1
    np.testing.assert_allclose(two.sample(num), one.sample(num), rtol=1e-9)
