"""Accuracies of melodies beside their baselines, and attributes, by hand."""

import numpy as np
import pytest

from genlab.data.dataset import Dataset
from genlab.data.melody import HOLD, PITCH, REST, one_hot
from genlab.data.split import ArraySplit
from genlab.metrics import melodies, melody_attributes
from genlab.metrics.melody_attributes import ATTRIBUTES, attribute_vectors

A, B, C = PITCH, PITCH + 1, PITCH + 2


class Given:
    """A model that makes what it is told of every melody; codes are of its tokens."""

    def __init__(self, train, held, made=None, predicted=None):
        vocabulary = PITCH + 3
        splits = {
            name: ArraySplit({"x": one_hot(np.array(tokens), vocabulary)})
            for name, tokens in (
                ("train", train),
                ("validation", held),
                ("test", held),
            )
        }
        shape = (len(train[0]), vocabulary)
        self.data = Dataset("given", splits, example_shape=shape, lowest_pitch=60)
        self._made = {"reconstruct": made, "predict": predicted}
        self.kept = 0

    def has(self, method):
        return self._made.get(method, ()) is not None

    def once(self, key, make):
        self.kept += 1
        return make()

    def examples(self, split, num):
        return {"x": self.data.splits[split].arrays["x"][:num] / 255.0}

    def call(self, method, x):
        if method == "encode":  # how often each token is there
            return x.sum(axis=1)
        if method == "decode":
            return x[:, None].repeat(self.data.example_shape[0], axis=1)
        return one_hot(np.array(self._made[method]), x.shape[2]) / 255.0


def test_accuracies_and_baselines_by_hand(monkeypatch):
    monkeypatch.setattr(melodies, "TRAIN_CHUNK", 2)
    train = [[A, HOLD, REST, HOLD], [A, HOLD, B, HOLD], [C, HOLD, HOLD, HOLD]]
    held = [[A, HOLD, B, B], [C, HOLD, HOLD, B], [REST, HOLD, HOLD, HOLD]]
    made = [[A, HOLD, B, HOLD], [A, HOLD, HOLD, B], [REST, HOLD, HOLD, REST]]
    given = Given(train, held, made, held)
    found = melodies.melody_accuracy(given, "test", num=3)
    expected = {
        "teacher_forced": 1.0,
        "teacher_forced_onsets": 1.0,
        "free_running": (3 / 4 + 3 / 4 + 3 / 4) / 3,
        # Of three onsets two, of two one, of none all.
        "free_running_onsets": (2 / 3 + 1 / 2 + 1) / 3,
        # Nearest are the second, the third and the third of the training melodies.
        "nearest_neighbour": (3 / 4 + 3 / 4 + 3 / 4) / 3,
        "nearest_neighbour_onsets": (2 / 3 + 1 / 2 + 1) / 3,
        # A, hold, the first of three tokens that are as frequent (rest), hold.
        "constant": (2 / 4 + 1 / 4 + 2 / 4) / 3,
        "constant_onsets": (1 / 3 + 0 + 1) / 3,
        "above_nearest": 0.0,
    }
    assert found.values == pytest.approx(expected)
    assert found.protocol["melodies"] == 3
    low, high = found.intervals["free_running_onsets"]
    assert low < expected["free_running_onsets"] < high


def test_a_family_that_predicts_nothing_has_no_teacher_forced_accuracy():
    found = melodies.melody_accuracy(Given([[A, HOLD]], [[B, B]], [[B, A]]), "test")
    assert "teacher_forced" not in found.values
    assert found.values["free_running"] == 0.5


def test_attributes_by_hand():
    tokens = np.array(
        [
            # Beats at 0 and 4, eighths off them at 2 and 6.
            [A, B, HOLD, HOLD, HOLD, HOLD, C, HOLD],
            [REST, A, HOLD, HOLD, HOLD, HOLD, HOLD, HOLD],
        ]
    )
    found = {name: attribute(tokens) for name, attribute in ATTRIBUTES.items()}
    expected = {
        "note_density": [3 / 8, 1 / 8],
        "mean_pitch": [1, 0],
        "average_interval": [1, 0],
        "syncopation_8th": [1 / 2, 0],  # at 6, where 4 holds
        "syncopation_16th": [0, 1 / 4],  # at 1; in the first melody a note begins at 0
    }
    assert {name: list(values) for name, values in found.items()} == expected


def test_the_vector_of_an_attribute_is_the_difference_of_its_quarters():
    train = [[REST] * 4, [A, REST, REST, REST], [A, A, REST, REST], [A, A, A, A]]
    vectors = attribute_vectors(Given(train, train), 4)
    # Densities 0, 1/4, 1/2, 1: quantiles 3/16 and 5/8, so one melody above and one below.
    expected = np.array([-4, 0, 4, 0, 0])
    np.testing.assert_allclose(vectors["note_density"], expected)
    np.testing.assert_allclose(vectors["average_interval"], 0)
    # Most begin no note: what has one, less the three that have none.
    rare = [[REST] * 4, [REST] * 4, [REST] * 4, [A, REST, REST, REST]]
    vector = attribute_vectors(Given(rare, rare), 4)["note_density"]
    np.testing.assert_allclose(vector, [-1, 0, 1, 0, 0])
    given = Given(train, train)
    found = melody_attributes.melody_attributes(given, "test", num=4).values
    # Decoded to the token that there is most of: with four more A all begin notes, with four less none.
    assert found["note_density_more"] == 1 and found["note_density_less"] == 0
