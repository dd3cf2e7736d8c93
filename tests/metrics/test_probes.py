"""Probes and anomaly detection on codes whose worth is known."""

import numpy as np
import pytest
import recipes
from linear_models import LinearCoder, linear_model
from sklearn.dummy import DummyClassifier

from genlab.data.split import ArraySplit
from genlab.errors import InputError
from genlab.metrics.anomaly import anomaly_detection, classes_of
from genlab.metrics.probes import linear_probe, mlp_probe, nearest_neighbour_probe
from genlab.metrics.representation import Representations, compare, in_chunks
from genlab.registry import metrics

PROBES = [linear_probe, nearest_neighbour_probe, mlp_probe]


def labelled(size: int, seed: int, *, classes: int = 4):
    """Eight numbers: the class, blurred, around a circle in two of them; noise tenfold beside."""
    generator = np.random.default_rng(seed)
    label = generator.integers(classes, size=size).astype(np.int32)
    angle = 2 * np.pi * label / classes
    centres = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    signal = centres + 0.1 * generator.normal(size=(size, 2))
    noise = 10 * generator.normal(size=(size, 6))
    return {"x": np.concatenate([noise, signal], axis=1), "label": label}


def reading(columns, **arrays):
    """A model whose code is some columns of its input."""
    return linear_model(
        arrays.get("train", labelled(600, 0)),
        arrays.get("test", labelled(400, 1)),
        np.eye(8)[:, columns],
    )


@pytest.mark.parametrize(
    "probe",
    [*PROBES[:1], *(pytest.param(p, marks=pytest.mark.full) for p in PROBES[1:])],
)
def test_probes_read_separable_codes_and_guess_from_noise(probe):
    signal = probe(reading([6, 7]), "test")
    assert signal.values["accuracy_codes"] == 1
    # The widest principal components are the noise, and so is most of a random projection.
    assert signal.values["accuracy_pca"] == pytest.approx(0.25, abs=0.08)
    assert signal.values["accuracy_untrained"] < 0.4
    noise = probe(reading([0, 1]), "test")
    assert noise.values["accuracy_codes"] == pytest.approx(0.25, abs=0.08)
    assert noise.values["accuracy_raw"] == signal.values["accuracy_raw"]


def test_protocol_tells_what_was_compared():
    found = linear_probe(reading([6, 7]), "test", num_train=50, num_test=40, C=(0.5,))
    assert found.protocol == {
        "split": "test",
        "classifier": "LogisticRegression(C=0.5, max_iter=1000)",
        "chosen_from": [0.5],
        "chosen": dict.fromkeys(("codes", "raw", "pca", "untrained"), 0.5),
        "chosen_on": "a fifth of each class of the fitted examples",
        "chosen_at_an_end": [],
        "scaling": {"codes": "all", "raw": "each", "pca": "all", "untrained": "all"},
        "fitted_on": 50,
        "classes_fitted": 4,
        "tested_on": 40,
        "features": {"codes": 2, "raw": 8, "pca": 2, "untrained": 2},
        "not_converged": [],
    }


def test_regularisation_is_chosen_for_each_representation():
    """Of 220 noisy numbers, one of which tells the class, few examples want a strong penalty; the
    code is that number alone."""

    def part(size, seed):
        generator = np.random.default_rng(seed)
        label = generator.integers(2, size=size).astype(np.int32)
        x = generator.normal(size=(size, 220))
        x[:, 0] += 2 * label - 1
        return {"x": x, "label": label}

    model = linear_model(part(300, 0), part(2000, 1), np.eye(220)[:, :1])
    tuned = linear_probe(model, "test")
    chosen = tuned.protocol["chosen"]
    assert chosen["raw"] < 1 and chosen["raw"] in tuned.protocol["chosen_from"]
    weak = linear_probe(model, "test", C=(10.0,))
    assert tuned.values["accuracy_raw"] > weak.values["accuracy_raw"] + 0.02
    gain = tuned.values["gain_over_raw"]
    codes, raw = (tuned.values[f"accuracy_{name}"] for name in ("codes", "raw"))
    assert gain == pytest.approx(codes - raw)
    low, high = tuned.intervals["gain_over_raw"]
    # The same examples: narrower than two accuracies apart.
    apart = sum(np.diff(tuned.intervals[f"accuracy_{n}"])[0] for n in ("codes", "raw"))
    assert low < gain < high and high - low < apart


def test_protocol_tells_what_did_not_converge():
    found = linear_probe(reading([6, 7]), "test", max_iter=2)
    assert "raw" in found.protocol["not_converged"]


def test_nearest_neighbours_vote_by_angle():
    train = {"x": [[1, 0], [9, 9], [0, 1], [0, 2]], "label": [0, 1, 2, 2]}
    test = {"x": [[50, 1], [0.1, 0.1], [0.1, 7]], "label": [0, 1, 1]}
    parts = [
        {name: np.array(rows) for name, rows in part.items()} for part in (train, test)
    ]
    model = linear_model(*parts, np.eye(2))
    found = nearest_neighbour_probe(model, "test", k=(1,))
    # By Euclidean distance the second would be nearest to [1, 0] or [0, 1].
    assert found.values["accuracy_codes"] == pytest.approx(2 / 3)


class Recorder(DummyClassifier):
    """A classifier that keeps what it was shown."""

    def fit(self, features, label):
        self.fitted_ = features
        return super().fit(features, label)

    def predict(self, features):
        self.tested_ = features
        return super().predict(features)


@pytest.mark.parametrize("standardize", [True, False])
def test_compare_scales_by_the_fitted_examples_alone(standardize):
    seen = Representations(
        {"codes": np.array([[1.0, 5], [3, 5]])},
        np.array([1, 1]),
        {"codes": np.array([[5.0, 6]])},
        np.array([0]),
    )
    recorder = Recorder()
    found = compare(seen, lambda value: recorder, [None], standardize=standardize)
    shown = [recorder.fitted_.tolist(), recorder.tested_.tolist()]
    # Means 2 and 5, of variances 1 and 0 the mean .5; with nothing to hold out one scale is taken.
    unit = np.sqrt(2)
    scaled = [[-unit, 0], [unit, 0]], [[3 * unit, unit]]
    wanted = scaled if standardize else ([[1, 5], [3, 5]], [[5, 6]])
    for found_part, part in zip(shown, wanted, strict=True):
        np.testing.assert_allclose(found_part, part)
    assert found.values == {"accuracy_codes": 0.0}
    assert found.protocol["scaling"] == {"codes": "all" if standardize else "none"}


def test_in_chunks_is_one_call(monkeypatch):
    model = reading([2, 7])
    x = model.examples("train", 600)["x"]
    monkeypatch.setattr("genlab.trained.encoding.CHUNK", 250)
    np.testing.assert_array_equal(in_chunks(model, "encode", x), x[:, [2, 7]])


@pytest.mark.parametrize("probe", PROBES)
def test_probes_refuse_data_without_labels(probe):
    x = {"x": np.zeros((9, 8))}
    with pytest.raises(InputError, match="needs examples with labels .*'linear'"):
        probe(reading([0], train=x, test=x), "test")


def test_probes_refuse_what_they_cannot_fit():
    with pytest.raises(InputError, match="of one class"):
        linear_probe(reading([0]), "test", num_train=1)
    with pytest.raises(InputError, match=r"C=\(0,\) is not a list, each"):
        metrics.build("linear_probe", C=(0,))
    with pytest.raises(InputError, match=r"C=\(\) leaves nothing to choose from"):
        linear_probe(reading([0]), "test", C=())
    grids = dict(linear_probe="C", nearest_neighbour_probe="k", mlp_probe="alpha")
    for name, knob in (*grids.items(), ("class_coverage", "C")):
        with pytest.raises(InputError, match=rf"{knob}=\(\) leaves nothing"):
            metrics.find(name).check(None, None, **{knob: ()})
    with pytest.raises(InputError, match="neighbours of 8 labelled"):
        nearest_neighbour_probe(reading([0]), "test", num_train=10)


def test_probe_of_a_model_that_does_not_encode(monkeypatch):
    monkeypatch.delattr(LinearCoder, "encode")
    with pytest.raises(InputError, match="needs encode"):
        linear_probe(reading([0]), "test")


def test_probe_of_a_vae_compares_with_its_untrained_encoder():
    built = recipes.recipe("vae")
    trained = built.trained(built.init_state())
    found = linear_probe(trained, "test", num_train=300, num_test=100)
    assert found.protocol["features"] == {
        "codes": 3,
        "raw": 64,
        "pca": 3,
        "untrained": 3,
    }
    assert found.values["accuracy_raw"] > 0.7
    assert found.values["accuracy_codes"] != found.values["accuracy_untrained"]


def one_number(train, test):
    """A model that keeps nothing: the error of x is its square."""
    parts = [
        {"x": np.array(x, float)[:, None], "label": np.array(label)}
        for x, label in (train, test)
    ]
    return linear_model(*parts, np.zeros((1, 1)))


def test_area_under_the_curve_by_hand_on_four_numbers():
    test = ([1, 3, 2, 4], [0, 1, 5, 5])  # of the four pairs, 2 < 3 is the wrong one
    found = anomaly_detection(one_number(([0, 0], [0, 1]), test), "test")
    assert found.values == {"roc_auc": 0.75, "error_known": 5.0, "error_unseen": 10.0}
    assert found.protocol["unseen_classes"] == [5]
    assert (found.protocol["known"], found.protocol["unseen"]) == (2, 2)


@pytest.mark.parametrize(
    ("label", "told"), [([0, 1, 0, 1], "every class"), ([5, 6, 5, 6], "no class")]
)
def test_anomalies_need_known_and_unseen_classes(label, told):
    model = one_number(([0, 0], [0, 1]), ([1, 3, 2, 4], label))
    with pytest.raises(InputError, match=told) as error:
        anomaly_detection(model, "test")
    assert "\n" not in str(error.value)


def test_a_model_that_saw_every_digit_is_refused():
    built = recipes.recipe("vae")
    with pytest.raises(InputError, match="every class of the 300 examples of 'test'"):
        anomaly_detection(built.trained(built.init_state()), "test")


def test_classes_are_read_to_the_end_of_the_split():
    label = np.repeat([3, 1], [2500, 1])
    assert classes_of(ArraySplit({"x": label, "label": label})).tolist() == [1, 3]
