"""Metrics against cases whose answer is known."""

import inspect
import re

import jax
import numpy as np
import pytest
import recipes

from genlab.data.toy2d import grid_modes, ring_modes
from genlab.errors import InputError
from genlab.evaluation.evaluate import existing_split, measure
from genlab.metrics.class_coverage import class_coverage, of_every_class
from genlab.metrics.measurement import beside, finite
from genlab.metrics.mode_coverage import count_modes, mode_coverage
from genlab.objectives.likelihood import target_entropy
from genlab.registry import datasets, metrics


class Copycat:
    """A model whose samples are chosen examples of the data."""

    def __init__(self, data, chosen):
        self.data, self._chosen, self._kept = data, chosen, {}

    def once(self, key, make):
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def has(self, method):
        return method == "sample"

    def sample(self, num):
        return np.resize(self._chosen, (num, *self._chosen.shape[1:]))

    def examples(self, split, num):
        raw = self.data.splits[split].gather(
            np.arange(min(num, 10**4)) % self._size(split)
        )
        return {**raw, "x": raw["x"] / 255.0}

    def _size(self, split):
        return self.data.splits[split].size


class Drawn:
    """A model whose samples are the first centre of the modes."""

    seed = 0

    def __init__(self, data):
        self.data = data

    def has(self, method):
        return method == "sample"

    def sample(self, num):
        return np.repeat(self.data.modes[:1], num, axis=0)

    def examples(self, split, num):
        return self.data.splits[split].gather(np.arange(num))


def test_perfect_samples_cover_every_mode():
    noise = np.random.default_rng(0).normal(size=(8000, 2))
    ring = ring_modes(2.0)
    samples = ring[np.arange(8000) % 8] + 0.02 * noise
    values = count_modes(samples, ring, 0.02)
    assert values["modes_covered"] == 8
    # P(|N(0, I_2)| <= 3) = 1 - exp(-9/2)
    np.testing.assert_allclose(
        values["high_quality_share"], 1 - np.exp(-4.5), atol=0.005
    )


def test_a_mode_counts_from_a_fifth_of_its_fair_share():
    ring = ring_modes(2.0)
    counts = np.array(
        [25, 24, 200, 200, 200, 200, 151, 0]
    )  # fair share 125, a fifth 25
    samples = np.repeat(ring, counts, axis=0)
    assert counts.sum() == 1000
    found = count_modes(samples, ring, 0.02)
    assert (found["modes_reached"], found["modes_covered"]) == (7, 6)
    shares = counts[:7] / 1000
    np.testing.assert_allclose(found["reverse_kl"], np.sum(shares * np.log(8 * shares)))


def test_samples_between_modes_are_of_low_quality():
    grid = grid_modes(4.0)
    between = grid[:1] + np.array([1.0, 1.0])
    values = count_modes(np.repeat(between, 10, axis=0), grid, 0.05)
    reached = ("modes_reached", "modes_covered", "high_quality_share")
    assert [values[name] for name in reached] == [0.0, 0.0, 0.0]
    # All of them are nearest to one centre of 25.
    np.testing.assert_allclose(values["reverse_kl"], np.log(25))


def test_real_points_are_the_floor_of_mode_coverage():
    data = datasets.build("toy2d", kind="grid", radius=4.0, size=12_500)()
    found = mode_coverage(Drawn(data), "test", num_samples=2500).values
    assert (found["modes_reached"], found["modes_reached_floor"]) == (1, 25)
    assert (found["modes_covered"], found["modes_covered_floor"]) == (1, 25)
    np.testing.assert_allclose(
        found["high_quality_share_floor"], 1 - np.exp(-4.5), atol=0.01
    )
    # (K - 1) / (2 N) on average, of a chi-square with 24 degrees of freedom over 2 N.
    assert 0.002 < found["reverse_kl_floor"] < 0.01


def test_mode_coverage_needs_modes():
    digits = datasets.build("digits")()
    with pytest.raises(InputError, match="needs a mixture with known modes"):
        mode_coverage(Copycat(digits, None), "test")


def test_class_coverage_of_copied_digits_is_their_class_histogram():
    digits = datasets.build("digits")()
    test = digits.splits["test"].gather(np.arange(300))
    threes = test["x"][test["label"] == 3][:20] / 255.0
    model = Copycat(digits, threes)
    values = class_coverage(model, "test", num_samples=100).values
    assert values["share_3"] >= 0.95
    assert values["smallest_share"] == 0.0
    assert values["classifier_accuracy"] > 0.97
    np.testing.assert_allclose(sum(values[f"share_{k}"] for k in range(10)), 1.0)


@pytest.mark.full
def test_class_coverage_chooses_its_classifier_on_training_examples_once(monkeypatch):
    digits = datasets.build("digits")()
    model = Copycat(digits, digits.splits["test"].gather(np.arange(8))["x"] / 255.0)
    found = class_coverage(model, "test", C=(1e-3, 10.0))
    assert found.protocol["chosen"] == 10.0
    assert found.protocol["chosen_from"] == [1e-3, 10.0]
    monkeypatch.setattr("sklearn.svm.SVC.fit", None)
    again = class_coverage(model, "test", C=(1e-3, 10.0))
    assert again.values == found.values


def test_held_out_means_do_not_depend_on_the_batch_size():
    built = recipes.recipe("classifier")
    trained = built.trained(built.init_state())
    whole = metrics.build("held_out", batch_size=125)(trained, "validation")
    # The last batch holds 6 of 7.
    parts = metrics.build("held_out", batch_size=7)(trained, "validation")
    assert whole.protocol["examples"] == 125
    for name, value in whole.values.items():
        np.testing.assert_allclose(parts.values[name], value, rtol=1e-5, err_msg=name)
        low, high = parts.intervals[name]
        assert low < value < high
    examples = trained.examples("validation", 125)
    logits = trained.call("logits", examples["x"])
    expected = np.mean(np.argmax(logits, axis=1) == examples["label"])
    np.testing.assert_allclose(whole.values["accuracy"], expected, rtol=1e-6)


def test_gray_targets_have_their_entropy_beside_the_reconstruction():
    """By hand: -x log x - (1 - x) log(1 - x), summed; black and white pixels have none."""
    x = np.array([[0.0, 0.5, 1.0], [0.25, 0.25, 1.0]], np.float32)
    quarter = -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    found = target_entropy("bernoulli", x)["target_entropy"]
    np.testing.assert_allclose(found, [np.log(2), 2 * quarter], rtol=1e-6)
    assert target_entropy("gaussian", x) == {}
    built = recipes.recipe("autoencoder")
    gray = measure(built.trained(built.init_state()), "test", (), 64)["held_out"]
    assert 0 < gray.values["target_entropy"] < gray.values["reconstruction"]
    assert "neither -log p(x)" in gray.protocol["gray_pixels"]
    built = recipes.recipe("vae")
    binary = measure(built.trained(built.init_state()), "test", (), 64)["held_out"]
    assert "target_entropy" not in binary.values
    assert binary.protocol["binarized"] == "dynamic"


def test_an_empty_split_is_stood_in_for_by_name():
    built = recipes.recipe("classifier")
    config = recipes.plain("classifier", data__validation_fraction="0.0", eval__best="")
    empty = type(built).build(config)
    trained = empty.trained(jax.device_put(empty.init_state()))
    assert existing_split(trained.data, "validation") == "test"
    results = measure(trained, "validation", (), 256)
    assert results["held_out"].protocol["split"] == "test"
    with pytest.raises(InputError, match="no split 'dev'"):
        existing_split(trained.data, "dev")


@pytest.mark.parametrize("name", sorted(metrics))
def test_docstrings_say_what_is_taken_and_returned(name):
    metric = metrics.find(name)
    text = inspect.getdoc(metric)
    said = re.split(r"\n(Args|Returns|Raises|Papers?):", text)[1:]
    sections = dict(zip(said[::2], said[1::2], strict=True))
    taken = re.findall(r"^  (\w+): ", sections["Args"], re.MULTILINE)
    assert taken == [*inspect.signature(metric).parameters]
    assert "`" in sections["Returns"]
    assert "InputError" in sections.get("Raises", "") or not hasattr(metric, "check")


def test_samples_of_all_classes_are_of_one_draw(monkeypatch):
    """Two draws of one seed have the same latents, whatever their classes."""
    asked = []

    def sample(self, num, label=None, seed=0):
        asked.append((num, list(label), seed))
        return np.zeros((num, 2))

    monkeypatch.setattr(Copycat, "sample", sample)
    made = of_every_class(Copycat(datasets.build("digits")(), None), 3)
    assert asked == [(30, [k for k in range(10) for _ in range(3)], 0)]
    assert made["label"].tolist() == asked[0][1]


def test_points_that_are_not_finite_belong_to_no_mode():
    points = np.zeros((5, 2))
    points[2:4] = np.nan
    with pytest.raises(InputError, match="2 of 5 samples are not finite"):
        finite(points)
    assert finite(points[:2]) is not None


def test_floors_are_of_no_more_than_the_samples():
    samples, floor = np.arange(6), np.arange(4)
    found = beside(samples, floor)
    assert {name: len(rows) for name, rows in found.items()} == {
        "": 6,
        "_floor": 4,
        "_at_floor": 4,
    }
    assert {name: len(rows) for name, rows in beside(floor, samples).items()} == {
        "": 4,
        "_floor": 4,
    }
    assert list(beside(samples, None)) == [""]
