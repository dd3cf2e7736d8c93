"""The picture of every selection of probes, and what is left if it cannot be drawn."""

from types import SimpleNamespace

import pytest

from genlab.commands import probe as command
from genlab.plots import figure
from genlab.probing import picture, table
from genlab.probing.plan import Plan
from genlab.probing.probe import PROBES
from genlab.probing.suite import Row, Suite

OF_PROBE = {"few_labels": ["labels_10", "labels_100"], "clusters": ["clusters", "nmi"]}


def rows_of(probe, run="a"):
    if probe == "layers":
        names = ("layer 1", "layer 2", "untrained layer 1", "untrained layer 2")
        return [Row(run, name, 4, "linear", 0.5, 0.4, 0.6) for name in names]
    return [
        Row(run, features, 4, value, 0.5, 0.4, 0.6)
        for features in ("codes", "untrained", "raw", "pca")
        for value in OF_PROBE.get(probe, [probe])
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures without their pixels and their planes of codes."""
    monkeypatch.setattr(picture, "_embeddings", lambda *given: None)
    monkeypatch.setattr(figure, "render", lambda drawn: drawn.axes)


@pytest.mark.parametrize("probe", PROBES)
def test_each_probe_alone_is_drawn(probe, undrawn):
    bars, curve, *_ = picture.of_run(rows_of(probe), None, "test")
    assert bool(bars.patches) is (probe not in ("few_labels", "layers"))
    assert bool(curve.lines) is (probe == "few_labels")
    assert picture.of_runs([*rows_of(probe, "a"), *rows_of(probe, "b")])


def test_runs_without_a_sibling_stand_beside_the_means_of_others():
    rows = [row for run in "abc" for row in rows_of("linear", run)]
    groups = {"a": "a", "b": "a", "c": "c"}
    means = table.over_seeds(rows, groups)
    shown = table.means_and_others(rows, means, groups)
    assert list(dict.fromkeys(row.run for row in shown)) == ["a (2 seeds)", "c"]
    assert table.means_and_others(rows, [], dict(zip("abc", "abc"))) == rows


def test_numbers_are_written_before_the_picture(tmp_path, monkeypatch):
    def fails(*given):
        raise ValueError("no picture")

    monkeypatch.setattr(picture, "of_run", fails)
    trained, suite = SimpleNamespace(step=3), Suite(Plan(("linear",)))
    suite._measured["a"] = {}
    with pytest.raises(ValueError, match="no picture"):
        command._write(tmp_path, suite, rows_of("linear"), trained)
    written = {path.name for path in tmp_path.glob("probe.*")}
    assert written == {"probe.json", "probe.csv", "probe.tex"}
