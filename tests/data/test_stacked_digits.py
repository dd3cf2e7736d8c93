"""Three digits as one image, and how many of their thousand modes samples reach."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from data_cases import build, refused

from genlab.data.prepare import Preparation
from genlab.game.turn import State
from genlab.metrics.stacked_modes import stacked_modes
from genlab.trained.trained import Trained


def test_channels_are_digits_of_the_split_whose_classes_are_the_label():
    data, digits = build("stacked_digits", size=400), build("digits")
    assert data.example_shape == (8, 8, 3)
    assert [data.splits[name].size for name in ("train", "test")] == [400, 100]
    assert (data.num_classes, data.class_names[314]) == (1000, "3 1 4")
    for split in ("train", "test"):
        raw = data.splits[split].gather(np.arange(100))
        known = digits.splits[split].gather(np.arange(digits.splits[split].size))
        label_of = {x.tobytes(): y for x, y in zip(known["x"], known["label"])}
        channels = np.moveaxis(raw["x"], -1, 1)[..., None]
        found = [[label_of[digit.tobytes()] for digit in image] for image in channels]
        np.testing.assert_array_equal(np.array(found) @ [100, 10, 1], raw["label"])


def test_an_example_is_the_same_on_the_host_and_on_the_device():
    train = build("stacked_digits", size=50).splits["train"]
    rows = np.array([[3, 49], [0, 3]], np.int32)
    host = train.gather(rows)
    resident = jax.tree.map(jnp.asarray, train.resident())
    device = train.lookup(resident, jnp.asarray(rows))
    for name, leaf in host.items():
        np.testing.assert_array_equal(leaf, device[name])
    np.testing.assert_array_equal(host["x"][0, 0], host["x"][1, 1])
    other = build("stacked_digits", size=50, seed=1).splits["train"].gather(rows)
    assert (other["x"] != host["x"]).any()


def test_only_gray_images_with_classes_are_stacked():
    refused("'toy2d ring' has examples .2,. .* gray images", "stacked_digits:toy2d")


class Stacks:
    """An experiment whose samples are examples of the stacked digits, those of one mode or all."""

    def __init__(self, data, mode=None):
        raw = data.splits["train"].gather(np.arange(2000))
        chosen = raw["label"] == mode if mode is not None else slice(None)
        self.pool = jnp.asarray(raw["x"][chosen])

    def view(self, state):
        return state.params, state.extra

    def sample(self, params, extra, key, num):
        return self.pool[jax.random.randint(key, (num,), 0, len(self.pool))] / 255.0


@pytest.mark.parametrize("mode", [None, 314])
def test_real_stacks_have_all_modes_and_one_stack_has_one(mode):
    data = build("stacked_digits", size=4000)
    state = State(0, {}, {}, {})
    if mode is not None:
        labels = data.splits["train"].gather(np.arange(2000))["label"]
        mode = int(np.bincount(labels).argmax())
    model = Trained(Stacks(data, mode), state, data, Preparation(), 7)
    found = stacked_modes(model, "test", num=1000).values
    assert found["classifier_accuracy"] > 0.85  # .973 cubed is .92
    # Of 1,000 even draws from 1,000 modes 1 - 1/e are reached.
    np.testing.assert_allclose(found["modes_floor"], 632, atol=40)
    if mode is not None:
        assert found["modes"] < 20
        assert found["kl"] > np.log(1000) - 1
