"""Outlier scores where the outliers are known, and their table over classes and seeds."""

import json
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import recipes
from linear_models import LinearCoder, linear_model
from sklearn.metrics import roc_auc_score

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.metrics.anomaly import anomaly_detection
from genlab.metrics.outliers import area, in_order, offers, outliers
from genlab.reporting import outliers as reporting
from genlab.run.recipe import Recipe


def test_area_is_scikit_learns_and_its_error_delongs():
    generator = np.random.default_rng(0)
    unseen = generator.random(200) < 0.3
    scores = np.round(generator.normal(size=200) + unseen, 1)  # with ties
    value, error = area(scores, unseen)
    assert value == pytest.approx(roc_auc_score(unseen, scores))
    drawn = []
    for _ in range(400):
        rows = [generator.choice(np.flatnonzero(m), m.sum()) for m in (unseen, ~unseen)]
        rows = np.concatenate(rows)
        drawn.append(roc_auc_score(unseen[rows], scores[rows]))
    assert error == pytest.approx(np.std(drawn), rel=0.15)


def _data(size, seed, classes):
    """Known classes on the first axis, class 2 off it; two axes of large noise beside."""
    generator = np.random.default_rng(seed)
    label = generator.integers(classes, size=size).astype(np.int32)
    signal = np.stack([label % 2, 3.0 * (label == 2)], axis=1)
    noise = 20 * generator.normal(size=(size, 2))
    x = np.concatenate([signal + 0.1 * generator.normal(size=(size, 2)), noise], axis=1)
    return {"x": x, "label": label}


def test_every_score_of_a_model_is_measured_beside_the_untrained():
    # The code is what tells them; reconstruction keeps all but the second axis.
    model = linear_model(
        _data(200, 0, 2), _data(150, 1, 3), np.eye(4)[:, :2], np.eye(4)[:2]
    )
    found = outliers(model, "test", components=2)
    assert found.values["roc_auc_codes"] == 1
    assert found.values.keys() == {
        f"roc_auc_{name}"
        for name in ("reconstruction", "codes", "untrained", "raw", "pca")
    }
    assert found.values["roc_auc_pca"] > 0.99  # its two components are the noise
    assert found.values["roc_auc_raw"] < 0.9
    assert found.protocol["unseen_classes"] == [2]
    low, high = found.intervals["roc_auc_raw"]
    assert low < found.values["roc_auc_raw"] < high


def test_what_a_model_refuses_is_left_out_and_told(monkeypatch):
    def refused(self, params, extra, x):
        raise InputError("no head reconstructs")

    monkeypatch.setattr(LinearCoder, "reconstruct", refused)
    model = linear_model(_data(90, 0, 2), _data(60, 1, 3), np.eye(4)[:, :2])
    found = outliers(model, "test", components=2)
    assert list(found.values) == [
        f"roc_auc_{name}" for name in ("codes", "untrained", "raw", "pca")
    ]
    assert found.protocol["left_out"] == {"reconstruct": "no head reconstructs"}
    for low, high in found.intervals.values():
        assert 0 <= low < high <= 1


@pytest.mark.parametrize(
    "name, variant, changes, kept, left",
    [
        ("pixelcnn", "tiny", {}, ["measure"], ["reconstruct", "codes"]),
        ("multi_task", "classes", {}, ["measure", "codes"], ["reconstruct"]),
        (
            *("dcgan", "tiny"),
            dict(model__discriminator='{"name": "patch_discriminator", "layers": 1}'),
            *(["realness"], ["codes"]),
        ),
    ],
)
def test_families_score_by_what_their_networks_can(name, variant, changes, kept, left):
    built = Recipe.build(recipes.plain(name, variant, **changes))
    offered, told = offers(built.trained(built.shapes().replace(step=0)))
    assert set(kept) <= offered and list(told) == left


@pytest.mark.full
@pytest.mark.parametrize("name", recipes.representatives())
def test_every_family_scores_or_says_why_not(name):
    built = recipes.recipe(name)
    offered, told = offers(built.trained(built.shapes().replace(step=0)))
    assert not offered & told.keys() and all("\n" not in why for why in told.values())


def test_measured_scores_have_one_order():
    names = {"energy": 0, "free_energy": 0, "negative_elbo": 0}
    (order,) = {tuple(in_order(dict.fromkeys(n, 0))) for n in permutations(names)}
    assert order == ("negative_elbo", "free_energy", "energy")


def test_outliers_need_a_class_that_training_has_not_seen():
    model = linear_model(_data(60, 0, 3), _data(60, 1, 3), np.eye(4)[:, :2])
    with pytest.raises(InputError, match="'outliers' needs .*data.without_labels"):
        outliers(model, "test")
    bare = SimpleNamespace(networks={})
    for metric in (anomaly_detection, outliers):
        with pytest.raises(InputError, match=f"'{metric.__name__}' needs a class that"):
            metric.check(bare, model.data)


def _run(folder, held, seed, width=8, **values):
    folder.mkdir(parents=True)
    data = {"name": "digits", "without_labels": [held], "subset_seed": None}
    model = {"encoder": {"name": "mlp", "width": width}}
    config = {"experiment": {"name": "vae"}, "model": model, "data": data, "seed": seed}
    (folder / "config.json").write_text(json.dumps({"config": config}))
    measured = {f"roc_auc_{name}": value for name, value in values.items()}
    metrics = {"outliers": {"values": measured, "protocol": {}, "intervals": {}}}
    (folder / "results.json").write_text(json.dumps({"step": 1, "metrics": metrics}))
    return folder


def test_table_has_errors_over_classes_and_over_seeds(tmp_path, capsys):
    values = {(3, 0): 0.9, (3, 1): 0.8, (4, 0): 0.7, (4, 1): 0.6}
    folders = [
        _run(tmp_path / f"{held}-{seed}", held, seed, bound=value)
        for (held, seed), value in values.items()
    ]
    (row,) = reporting.table(folders)
    assert (row.recipe, row.score, row.classes, row.seeds) == ("vae", "bound", 2, 2)
    assert row.mean == pytest.approx(0.75)
    # Means over seeds .85 and .65, over classes .8 and .7.
    assert row.error_classes == pytest.approx(0.1)
    assert row.error_seeds == pytest.approx(0.05)
    assert row.by_class == pytest.approx({"3": 0.85, "4": 0.65})
    assert r"vae & $0.750 \pm 0.100$ \\" in reporting.as_latex([row])
    assert "class 3,class 4" in reporting.as_csv([row])
    out = tmp_path / "table"
    assert main(["launch.py", "outliers", *map(str, folders), f"--out={out}"]) == 0
    shown = capsys.readouterr().out
    assert (
        "s.e. over classes  s.e. over seeds" in shown
        and "+-0.100 of 2" in shown
        and (tmp_path / "table.tex").exists()
    )


def test_recipes_of_one_name_are_told_by_what_differs(tmp_path, caplog):
    folders = [
        _run(tmp_path / "a", 3, 0, bound=0.9),
        _run(tmp_path / "b", 3, 0, width=16, bound=0.7),
        _run(tmp_path / "c", 4, 0, width=16),
    ]
    rows = reporting.table(folders)
    assert [row.recipe for row in rows] == ["vae, width 8", "vae, width 16"]
    (record,) = caplog.records
    assert record.getMessage() == (
        "1 of 3 runs have no outliers: vae, width 16 without 4, seed 0"
    )


def test_runs_that_measured_no_outliers_are_refused(tmp_path, capsys):
    folder = _run(tmp_path / "run", 1, 0)
    assert main(["launch.py", "outliers", str(folder)]) == 2
    assert "has measured outliers; train some with" in capsys.readouterr().err
