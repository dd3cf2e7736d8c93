"""Classes that are known by their attributes alone."""

import dataclasses

import numpy as np
import pytest
from linear_models import linear_model

from genlab.errors import InputError
from genlab.metrics.attributes import attributes_of
from genlab.metrics.feature_vae import generated
from genlab.metrics.zero_shot import _accuracies, _over_classes, embedding, zero_shot

# Two attributes of two values each; the last class is never seen.
TABLE = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1.0]])


def test_embedding_by_hand():
    """Two examples, two classes that are their own attributes: V = (1/2 + g)^-1 (Y / 2) (1 + l)^-1."""
    score = embedding(np.eye(2), np.arange(2), np.eye(2), gamma=0.5, ridge=3.0)
    np.testing.assert_allclose(score(np.eye(2)), [[0.125, -0.125], [-0.125, 0.125]])


def _data(size, seed, classes):
    generator = np.random.default_rng(seed)
    label = generator.integers(classes, size=size).astype(np.int32)
    x = TABLE[label] + 0.1 * generator.normal(size=(size, 4))
    return {"x": x, "label": label}


def _written(folder, names="0123"):
    lines = ["class,a,b,c,d"] + [
        ",".join([name, *map(str, row)])
        for name, row in zip("0123", TABLE, strict=True)
        if name in names
    ]
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.full
def test_codes_that_are_the_attributes_tell_a_class_that_was_never_seen(tmp_path):
    model = linear_model(_data(300, 0, 3), _data(200, 1, 4), np.eye(4))
    table = _written(tmp_path)
    found = zero_shot(model, "test", attributes=table, gamma=0.01, ridge=0.01)
    values = found.values
    assert values["embedding_among_unseen_codes"] == 1
    # A seen example may tie with the unseen class (by hand: 1 and 1), an unseen one does not (5).
    assert values["embedding_unseen_codes"] > 0.9
    assert values["generative_harmonic_codes"] > 0.9
    seen, unseen = (values[f"generative_{n}_codes"] for n in ("seen", "unseen"))
    harmonic = 2 * seen * unseen / (seen + unseen)
    assert values["generative_harmonic_codes"] == pytest.approx(harmonic)
    assert found.protocol["unseen_classes"] == [3]


def test_one_seen_and_one_unseen_class_are_told_apart_with_intervals(
    tmp_path, monkeypatch
):
    def drawn(features, given, asked, **knobs):
        noise = np.random.default_rng(0).normal(size=(len(asked), features.shape[1]))
        return features.mean(axis=0) + 5 * np.resize([-1, 1], noise.shape[1]) + noise

    monkeypatch.setattr("genlab.metrics.zero_shot.generated", drawn)
    train, test = _data(60, 0, 1), _data(80, 1, 2)
    test["label"] *= 3
    test["x"] = TABLE[test["label"]] + np.random.default_rng(2).normal(size=(80, 4))
    model = linear_model(train, test, np.eye(4))
    found = zero_shot(model, "test", attributes=_written(tmp_path))
    values = found.values
    assert values["generative_unseen_codes"] > 0.5
    assert (values["chance"], values["chance_among_unseen"]) == (1 / 4, 1)
    protocol = {name: found.protocol[name] for name in ("gamma", "ridge", "steps", "C")}
    assert protocol == {"gamma": 1.0, "ridge": 1.0, "steps": 2000, "C": 0.1}
    for name, (low, high) in found.intervals.items():
        assert 0 <= low < values[name] < high <= 1
    assert "generative_unseen_codes" in found.intervals


def test_error_of_a_harmonic_mean_is_that_of_resampled_examples():
    generator = np.random.default_rng(0)
    label = np.repeat([0, 1], 400)
    hits = generator.random(800) < np.where(label, 0.2, 0.9)
    scores = np.eye(2)[np.where(hits, label, 1 - label)]
    found = _accuracies(scores, label, np.array([1]))
    drawn = []
    for _ in range(1000):
        rows = [generator.choice(np.flatnonzero(label == k), 400) for k in (0, 1)]
        seen, unseen = (hits[part].mean() for part in rows)
        drawn.append(2 * seen * unseen / (seen + unseen))
    assert found["harmonic"][1] == pytest.approx(np.std(drawn), rel=0.15)


@pytest.mark.parametrize("share", [0.995, 0.9, 0.5])
def test_mean_over_classes_lies_in_the_interval_though_all_of_a_class_are_right(share):
    generator, label, rounds = (
        np.random.default_rng(0),
        np.repeat(np.arange(10), 30),
        1000,
    )
    found = [
        _over_classes(generator.random(300) < share, label, np.arange(10))
        for _ in range(rounds)
    ]
    inside = sum(abs(mean - share) < 1.96 * error for mean, error in found)
    assert inside > 0.93 * rounds


@pytest.mark.full
def test_drawn_features_follow_their_attributes():
    data = _data(300, 0, 3)
    asked = TABLE[[3] * 50]
    drawn = generated(data["x"], TABLE[data["label"]], asked, seed=0, steps=800)
    assert drawn.shape == (50, 4)
    np.testing.assert_allclose(drawn.mean(axis=0), TABLE[3], atol=0.35)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda t: t.replace("3,", "7,"), "'7' is no class"),
        (
            lambda t: "\n".join(t.splitlines()[:-1]),
            "misses the class '3'; each of the 4",
        ),
        (lambda t: t.replace("0.0", "none", 1), "'none' of class '0' is no finite"),
        (lambda t: t + ",5", "has 6 cells, and the first line 5"),
        (lambda t: "", "misses the class '0' and 3 more"),
    ],
)
def test_tables_that_do_not_describe_every_class_are_refused(change, told, tmp_path):
    model = linear_model(_data(60, 0, 3), _data(60, 1, 4), np.eye(4))
    path = _written(tmp_path)
    with open(path) as file:
        content = change(file.read())
    (tmp_path / "table.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        attributes_of(model.data, path)


def test_captions_describe_their_classes_word_by_word():
    from genlab.data.captions import of_sprites

    factors = {"shape": 3, "size": 6, "orientation": 4, "x": 4, "y": 4}
    captions = of_sprites(factors, ("square", "ellipse", "heart"))
    model = linear_model(_data(60, 0, 3), _data(60, 1, 4), np.eye(4))
    with pytest.raises(InputError, match="described by nothing: give attributes=FILE"):
        attributes_of(model.data, "")
    data = dataclasses.replace(
        model.data, captions=captions, num_classes=24, class_names=captions.texts
    )
    found = attributes_of(data, "")
    assert found.shape == (24, 2 + 3 + 2 + 2) and (found.sum(axis=1) == 4).all()
    # 'a small square at the top left', and the same at its right.
    assert found[0].tolist() == [1, 0, 1, 0, 0, 1, 0, 1, 0]
    assert found[1].tolist() == [1, 0, 1, 0, 0, 1, 0, 0, 1]
