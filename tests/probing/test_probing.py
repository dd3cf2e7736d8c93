"""Probes of features whose worth is known, and their table."""

import dataclasses
import json

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from linear_models import LinearCoder, linear_model
from sklearn.neighbors import KNeighborsClassifier

from genlab.commands.cli import main
from genlab.commands.probe import _groups, _named
from genlab.errors import InputError
from genlab.metrics.representation import Representations, choice
from genlab.models.dense import DenseEncoder
from genlab.models.recurrent import RecurrentEncoder
from genlab.probing import clusters, table
from genlab.probing.plan import Plan
from genlab.probing.probe import Score, _about_mean, gain, with_few_labels
from genlab.probing.suite import Row, Suite
from genlab.probing.vote import CosineVote
from genlab.reporting.probes import read_probes
from genlab.trained import encoding

QUICK = ("knn_20", "few_labels")


def labelled(size, seed):
    """Eight numbers: one of three classes, blurred, in two of them, large noise beside."""
    generator = np.random.default_rng(seed)
    label = generator.integers(3, size=size).astype(np.int32)
    angle = 2 * np.pi * label / 3
    signal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    noise = 10 * generator.normal(size=(size, 6))
    blurred = signal + 0.1 * generator.normal(size=(size, 2))
    return {"x": np.concatenate([noise, blurred], axis=1), "label": label}


def reading(columns):
    """A model whose code is some columns of its input."""
    return linear_model(labelled(150, 0), labelled(90, 1), np.eye(8)[:, columns])


def test_votes_are_scikit_learns_where_each_has_one():
    generator = np.random.default_rng(0)
    train, test = generator.normal(size=(60, 5)), generator.normal(size=(40, 5))
    label = generator.integers(4, size=60) + 3
    peer = KNeighborsClassifier(7, metric="cosine").fit(train, label)
    own = CosineVote(7).fit(train, label)
    np.testing.assert_array_equal(own.predict(test), peer.predict(test))


def test_weighted_votes_by_hand():
    """At t 0.1 one at cosine 1 weighs exp(10), two at cosine 0.6 weigh 2 exp(6)."""
    train = np.array([[1.0, 0], [0.6, 0.8], [3.0, 4.0], [0, 0]])
    label = np.array([0, 1, 1, 1])
    of = lambda k, t: CosineVote(k, t).fit(train, label).predict([[2.0, 0]]).tolist()
    assert of(200, 0.1) == [0] and of(3, None) == [1] and of(1, None) == [0]
    assert of(3, 1.0) == [1]  # e against 2 exp(0.6)


def test_clusters_are_matched_one_to_one():
    found = clusters.matched(
        np.array([2, 2, 2, 0, 0, 1, 1]), np.array([0, 0, 5, 0, 0, 5, 9])
    )
    # 0 is cluster 2 or 0 with two each; 5 then has 1 or 2, so the most is four.
    assert found.sum() == 4
    of_one, label = np.array([0, 0, 1, 1] * 5), np.array([0, 1, 0, 1] * 5)
    value, (low, high) = clusters.shared_information(of_one, label)
    assert value == pytest.approx(0, abs=1e-12) and low == 0 < high < 1
    same = np.arange(20) % 3
    assert clusters.shared_information(same, same)[0] == pytest.approx(1)


def test_layers_are_what_the_next_one_sees():
    module = DenseEncoder((4, 3, 2), activation="tanh")
    x = jnp.asarray(np.random.default_rng(0).normal(size=(6, 5)), jnp.float32)
    variables = module.init(jax.random.key(0), x)
    code, seen = encoding.watched(lambda: module.apply(variables, x), 6)
    weights = variables["params"]
    first = jnp.tanh(x @ weights["layer_0"]["kernel"])
    second = jnp.tanh(first @ weights["layer_1"]["kernel"])
    np.testing.assert_allclose(seen[0], first, rtol=1e-5)
    np.testing.assert_allclose(seen[1], second, rtol=1e-5)
    assert len(seen) == 2 and code.shape == (6, 2)


def test_two_heads_of_one_layer_see_it_once():
    class Two(nn.Module):
        @nn.compact
        def __call__(self, x):
            y = nn.relu(nn.Dense(4)(x))
            return nn.Dense(2)(y), nn.Dense(2)(y)

    x = jnp.ones((3, 5))
    module = Two()
    variables = module.init(jax.random.key(0), x)
    _, seen = encoding.watched(lambda: module.apply(variables, x), 3)
    assert [y.shape for y in seen] == [(3, 4)]


def test_layers_inside_a_scan_are_passed_over():
    module = RecurrentEncoder(2, hidden=3)
    x = jnp.ones((4, 5, 2))
    variables = module.init(jax.random.key(0), x)
    look = jax.jit(lambda: encoding.watched(lambda: module.apply(variables, x), 4))
    code, seen = look()
    assert code.shape == (4, 2) and [y.shape for y in seen] == [(4, 3)]


@pytest.mark.parametrize("size", [3, 4, 6, 7])
def test_maps_are_pooled_as_by_torch(size):
    y = np.random.default_rng(0).normal(size=(2, size, 5, 3)).astype(np.float32)
    cells = (min(4, size), 4)
    peer = torch.nn.functional.adaptive_avg_pool2d(
        torch.from_numpy(y.transpose(0, 3, 1, 2)), cells
    )
    wanted = peer.numpy().transpose(0, 2, 3, 1).reshape(2, -1)
    np.testing.assert_allclose(encoding._pooled(jnp.asarray(y)), wanted, atol=1e-6)


def test_suite_tells_signal_from_noise_and_probes_baselines_once(monkeypatch):
    from genlab.probing import suite as module

    asked = []
    real = module._asked
    monkeypatch.setattr(
        module, "_asked", lambda *a, **k: asked.append(a[1:]) or real(*a, **k)
    )
    suite = Suite(Plan(QUICK, labels=[12]))
    rows = suite.rows("signal", reading([6, 7])) + suite.rows("noise", reading([0, 1]))
    value = {(r.run, r.features, r.probe): r.value for r in rows}
    beats = {(r.run, r.probe): r.beats for r in rows if r.features == "codes"}
    assert (
        value["signal", "codes", "knn_20"] == 1 == value["signal", "codes", "labels_12"]
    )
    assert beats["signal", "knn_20"] == ("untrained", "raw", "pca")
    assert value["noise", "codes", "knn_20"] < 0.6 and not beats["noise", "knn_20"]
    assert asked.count(("raw", "knn_20")) == 1 == asked.count(("pca", "few_labels"))
    assert asked.count(("codes", "knn_20")) == 2
    assert value["signal", "raw", "knn_20"] == value["noise", "raw", "knn_20"]


@pytest.mark.full
def test_every_probe_of_a_code_that_is_the_class():
    rows = Suite(Plan(labels=[30])).rows("signal", reading([6, 7]))
    found = {row.probe: row for row in rows if row.features == "codes"}
    assert found.keys() == {
        *("linear", "knn_200", "knn_20", "mlp", "labels_30", "clusters", "nmi")
    }
    assert min(row.value for row in found.values()) > 0.99
    # Raw examples hold the same two numbers, which a linear probe finds as well.
    assert {"untrained", "pca"} <= {*found["linear"].beats}


def test_regularisation_without_anything_to_hold_out_is_the_middle_one():
    ways = {"all": np.eye(3), "each": np.eye(3)}
    assert choice(None, (1, 2, 3), ways, np.arange(3)) == ("all", 2)


def test_gain_is_of_the_same_examples():
    one, other = np.array([1.0, 1, 1, 0] * 9), np.array([1.0, 0, 1, 0] * 9)
    low, high = gain(Score(0.75, None, one), Score(0.5, None, other))
    assert 0 < low < 0.25 < high
    assert gain(Score(0.75, None, one), Score(0.5, None)) is None


def test_few_labels_are_as_sure_as_draws_and_examples_let_them_be():
    """Each draw is right of the same half of 40 examples: the examples are all that is unsure."""
    units = np.tile(np.repeat([0.0, 1.0], 20), (5, 1))
    low, high = _about_mean(units, share=True)
    reach = 2.776 * 0.5 / np.sqrt(39)
    assert (low, high) == pytest.approx((0.5 - reach, 0.5 + reach), rel=1e-3)
    # One draw of five that is right of none: the draws' error beside it.
    units[0] = 0
    error = np.hypot(0.1, np.std(units.mean(0), ddof=1) / np.sqrt(40))
    assert _about_mean(units, share=True)[1] == pytest.approx(0.4 + 2.776 * error, 1e-3)
    rare = np.tile(np.arange(40.0) < 1, (5, 1)).astype(float)
    assert _about_mean(rare, share=True)[0] == 0 > _about_mean(rare, share=False)[0]
    low, high = gain(Score(0.5, None, units), Score(0.5, None, 0 * units))
    assert (low + high) / 2 == pytest.approx(0.4)


def test_few_labels_may_keep_the_proportions_of_principal_components():
    """One label of each class: to whiten three axes of signal and thirty of noise loses the class."""
    generator = np.random.default_rng(0)
    label = np.arange(400) % 4
    scale = np.array([5.0] * 3 + [0.3] * 30)
    x = generator.normal(size=(400, 33)) * scale * 0.2
    x[:, :3] += 5 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])[label]
    seen = Representations({"pca": x[:200]}, label[:200], {"pca": x[200:]}, label[200:])
    score = with_few_labels([4], seen, "pca", 0)["labels_4"]
    assert score.value > 0.99 and score.scaling == "all"
    assert score.units.shape == (5, 200)


@pytest.mark.parametrize(
    "plan, told",
    [
        (
            dict(labels=[76]),
            "--labels=76 is not between the 3 classes and half of the 150",
        ),
        (dict(labels=[2]), "--labels=2 is not between the 3"),
        (dict(split="tset"), "--split=tset is no split .*'test'"),
        (dict(probes=("liner",)), "unknown probe 'liner'.*'linear'"),
        (dict(probes=()), "no probe is asked for"),
    ],
)
def test_what_cannot_be_probed_is_refused_before_anything_is_computed(plan, told):
    with pytest.raises(InputError, match=told):
        Suite(Plan(**plan)).check(reading([6, 7]))


def test_a_run_without_an_encoder_or_labels_is_refused(monkeypatch):
    model = reading([6, 7])
    unlabelled = model.on(dataclasses.replace(model.data, num_classes=0))
    with pytest.raises(InputError, match="labels of two classes or more, .*'linear'"):
        Suite(Plan()).check(unlabelled)
    monkeypatch.delattr(LinearCoder, "encode")
    with pytest.raises(InputError, match="'LinearCoder' has no encoder"):
        Suite(Plan()).check(reading([6, 7]))


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "no run is named"),
        (["a", "a"], "'a' is given twice"),
        (["a", "--probes=some"], "unknown probe 'some'"),
        (["a", "--labels=10,many"], "--labels=10,many: 'many' is no whole number"),
        (["a", "--out=nowhere/at/all"], "there is no folder 'nowhere/at'"),
        (["nowhere"], "nowhere"),
    ],
)
def test_mistakes_of_the_command_are_one_line(arguments, told, capsys):
    assert main(["launch.py", "probe", *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert told in line


def _rows():
    beaten = ("untrained", "raw", "pca")
    return [
        Row("a", "codes", 3, "linear", 0.9, 0.88, 0.92, 0.1, beaten),
        Row("a", "raw", 64, "linear", 0.5, 0.4, 0.6, 1.0),
        Row("b", "codes", 3, "linear", 0.7, None, None, 0.1, ("raw",)),
        Row("b", "raw", 64, "linear", 0.5, 0.4, 0.6, 1.0),
    ]


def test_table_has_raw_examples_once_and_says_who_beats_them():
    told = table.text(_rows()).splitlines()
    assert [line.split("  ")[0] for line in told] == [
        "features",
        "a: codes, 3",
        "a: raw, 64",
        "b: codes, 3",
    ]
    assert "90.0* (88.0 to 92.0)" in told[1] and "70.0" in told[3]
    latex = table.as_latex(_rows())
    assert r"a: codes, 3 & $\mathbf{90.0 \pm 2.0}$ \\" in latex
    assert table.as_csv(_rows()).splitlines()[1].endswith("0.1,untrained raw pca,,")


def test_means_over_seeds_are_of_runs_that_differ_in_nothing_else():
    config = {"seed": 0, "objective": {"name": "elbo"}}
    configs = {"a": config, "b": {**config, "seed": 1}, "c": {**config, "x": 1}}
    assert _groups(configs) == {"a": "a", "b": "a", "c": "c"}
    swept = {f"vae/{name}": each for name, each in configs.items() if name != "c"}
    assert set(_groups({**swept, "rbm/d": configs["c"]}).values()) == {"vae", "rbm/d"}
    beside = {**swept, "vae/d": configs["c"]}  # another recipe's in the same folder
    assert _groups(beside) == {"vae/a": "vae/a", "vae/b": "vae/a", "vae/d": "vae/d"}


@pytest.mark.parametrize(
    "gains, each, starred",
    [
        ([0.1, 0.12, 0.11], [("raw",)] * 3, True),
        ([0.1, 0.28], [("raw",)] * 2, False),  # two standard errors, and p = .3
        ([0.1, 0.12, 0.11], [("raw",), (), ("raw",)], False),
    ],
)
def test_a_star_over_seeds_needs_students_interval_and_every_run(gains, each, starred):
    rows = []
    for run, gain_of_run, beats in zip("abc", gains, each, strict=False):
        value = 0.5 + gain_of_run
        rows.append(Row(run, "codes", 3, "linear", value, None, None, None, beats))
        rows += [
            Row(run, name, 3, "linear", 0.5, None, None)
            for name in ("untrained", "raw", "pca")
        ]
    mean, *_ = table.over_seeds(rows, dict.fromkeys("abc", "a"))
    assert mean.run == f"a ({len(gains)} seeds)"
    assert mean.value == pytest.approx(0.5 + np.mean(gains))
    assert ("raw" in mean.beats) is starred


def test_runs_are_called_after_what_their_paths_differ_in():
    assert list(_named(["x/runs/a", "x/runs/b/c"])) == ["a", "b/c"]
    assert list(_named(["x/runs/a"])) == ["a"]


def test_report_reads_the_table_and_passes_over_a_damaged_one(tmp_path):
    path = tmp_path / "probe.json"
    suite = Suite(Plan(("linear",)))
    suite._measured["a"] = {"data": "digits", "seed": 3, "fitted_on": 9, "tested_on": 4}
    rows = [dataclasses.replace(row, notes=("not converged",)) for row in _rows()[:2]]
    record = suite.record("a", rows, 40)
    path.write_text(json.dumps(record))
    found = read_probes(path)
    assert found.protocol["not_converged"] == "linear of codes, linear of raw"
    assert "chosen_at_an_end" not in found.protocol
    assert (found.protocol["data"], found.protocol["fitted_on"]) == ("digits", "9")
    assert found.step == 40 and found.columns == ["linear"]
    assert [line.name for line in found.lines] == ["codes", "raw"]
    assert found.lines[0].cells[0].told == "90.0*"
    assert found.lines[0].cells[0].interval == "88.0 to 92.0"
    for damage in ({"rows": []}, {"step": "x"}, {"rows": [{"probe": 1}]}):
        path.write_text(json.dumps({**record, **damage}))
        assert read_probes(path) is None
    assert read_probes(tmp_path / "none.json") is None
