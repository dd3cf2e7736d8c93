"""Scores of a model's codes beside those of ideal, random and mixed ones, of the same sprites."""

import functools

import numpy as np
import pytest

from genlab.data.prepare import Preparation
from genlab.errors import InputError
from genlab.game.turn import State
from genlab.metrics.disentanglement import coded, disentanglement
from genlab.registry import datasets
from genlab.trained.trained import Trained


class Reader:
    """An experiment that sees one number of an image of one pixel, and guesses the rest."""

    def view(self, state):
        return {}, {}

    def encode(self, params, extra, x):
        flat = x.reshape(len(x), -1)
        return flat @ np.eye(flat.shape[1], 4, dtype=np.float32)


@functools.cache
def _trained(name="shapes", **knobs):
    data = datasets.build(name, **knobs)()
    return Trained(Reader(), State(0, {}, {}, {}), data, Preparation(), 3)


KNOBS = dict(num_train=600, num_test=550, trees=2)


@pytest.mark.full
def test_counted_scores_and_the_examples_they_are_of():
    trained = _trained(image_size=2, places=4)
    seen = coded(trained, "train", 700)  # in two chunks
    whole = trained.examples("train", 700)
    np.testing.assert_array_equal(seen.factors, whole["factors"])
    np.testing.assert_allclose(seen.codes, whole["x"].reshape(700, -1), rtol=1e-6)
    found = disentanglement(trained, "test", scores=("mig",), **KNOBS)
    values = found.values
    assert set(values) == {f"mig{name}" for name in ("", "_ideal", "_random", "_mixed")}
    assert values["mig_ideal"] > 0.8
    assert max(values["mig_random"], values["mig_mixed"]) < 0.1
    low, high = found.intervals["mig"]
    assert low < values["mig"] < high
    assert found.protocol["codes"] == 4


@pytest.mark.full
def test_beside_a_model_stand_ceilings_and_floors_of_the_same_examples():
    trained = _trained(image_size=2, places=4)
    found = disentanglement(trained, "test", **KNOBS)
    values = found.values
    scores = {
        name for name in values if not name.endswith(("ideal", "random", "mixed"))
    }
    assert scores == {
        *("mig", "modularity", "beta_vae", "factor_vae", "sap"),
        *("dci_disentanglement", "dci_completeness", "dci_informativeness"),
    }
    assert set(found.intervals) <= scores
    for name in scores:
        assert values[f"{name}_ideal"] > values[f"{name}_mixed"], name
        assert values[f"{name}_ideal"] > values[f"{name}_random"], name
        if name in found.intervals:
            low, high = found.intervals[name]
            assert low < values[name] < high


def test_refused_in_one_line():
    shapes, digits = _trained(image_size=2, places=4), _trained("digits")
    for trained, knobs, told in (
        (digits, {}, "needs examples with the factors that they are made from"),
        (shapes, {"scores": ("migg",)}, "did you mean 'mig'"),
        (shapes, {"scores": ()}, "measures nothing"),
        (shapes, {"bins": 1}, "bins=1"),
        (shapes, {"estimator": "forest"}, "unknown estimator"),
    ):
        with pytest.raises(InputError, match=told) as error:
            disentanglement(trained, "test", **knobs)
        assert "\n" not in str(error.value)
