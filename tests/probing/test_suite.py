"""What the suite refuses, and what it takes for the same."""

import dataclasses

import jax
import numpy as np
import pytest
from linear_models import LinearCoder, linear_model

from genlab.data.split import ArraySplit
from genlab.errors import InputError
from genlab.probing.plan import Plan
from genlab.probing.suite import Suite
from genlab.trained.encoding import encoded, untrained


def model(train_label, test_label):
    parts = []
    for label in (np.int32(train_label), np.int32(test_label)):
        x = np.random.default_rng(len(label)).normal(size=(len(label), 4))
        x[:, 0] += 20 * label - 10
        parts.append({"x": x, "label": label})
    return linear_model(*parts, np.eye(4)[:, :2])


def test_tested_examples_of_unknown_classes_alone_are_refused():
    with pytest.raises(
        InputError, match="the 9 examples of 'test' are of classes that"
    ):
        Suite(Plan(("knn_20",))).rows("a", model([0, 1] * 20, [2] * 9))


def test_layers_alone_of_an_encoder_without_any_are_refused():
    with pytest.raises(InputError, match="encoder of a has no layer .*--probes=layers"):
        Suite(Plan(("layers",))).rows("a", model([0, 1] * 20, [0, 1] * 9))


def test_the_same_examples_with_other_labels_are_probed_anew():
    suite = Suite(Plan(("knn_20",)))
    one = model([0, 1] * 20, [0, 1] * 9)
    part = one.data.splits["test"]
    batch = part.gather(np.arange(part.size))
    other = ArraySplit({"x": batch["x"], "label": 1 - batch["label"]})
    turned = one.on(
        dataclasses.replace(one.data, splits={**one.data.splits, "test": other})
    )
    found = [
        {row.features: row.value for row in suite.rows(name, run)}
        for name, run in {"a": one, "b": turned}.items()
    ]
    for features in ("raw", "pca"):
        assert (found[0][features], found[1][features]) == (1, 0)


def test_a_record_says_what_was_measured():
    suite = Suite(Plan(("knn_20",)))
    rows = suite.rows("a", model([0, 1] * 20, [0, 1] * 9))
    protocol = suite.record("a", rows, 3)["protocol"]
    told = {"data": "linear", "seed": 0, "fitted_on": 40, "tested_on": 18}
    assert told.items() <= protocol.items() and protocol["not_converged"] == []


def test_untrained_codes_are_of_exact_products_as_trained_ones(monkeypatch):
    seen, plain = [], LinearCoder.encode

    def encode(*given):
        seen.append(jax.config.jax_default_matmul_precision)
        return plain(*given)

    monkeypatch.setattr(LinearCoder, "encode", encode)
    one = model([0, 1] * 4, [0, 1])
    batch = one.examples("train", 8)
    (fresh,) = untrained(one, batch, layers=False)
    assert seen == ["highest"]
    own = encoded(one, batch, layers=False)
    assert fresh["codes"].shape == own["codes"].shape == (8, 2)
