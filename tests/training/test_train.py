"""The loop's edges: runs that are extended, cut short or asked to go back."""

import json
from types import SimpleNamespace

import pytest
import recipes

from genlab.errors import InputError, PartFailed
from genlab.evaluation.results import write_results
from genlab.metrics.measurement import Measurement
from genlab.run.folder import claim, identity, read_results, refuse_lost
from genlab.run.recipe import Recipe
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.writer import Writer
from genlab.training import train as loop
from genlab.training.train import train
from genlab.trials.tail import Tail


def _plain(**changes):
    quick = {"devices": "1", "sample__plots": "()", "eval__best": "negative_elbo"}
    return recipes.plain("vae", **{**quick, **changes})


def test_refused_run_leaves_the_config_of_its_folder(tmp_path):
    recipe = Recipe.build(_plain())
    claim(tmp_path, recipe, {})
    Checkpoints(tmp_path / "checkpoints").save(recipe.init_state(), 8)
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(InputError, match="has done 8 rounds, more than the 4 of its"):
        train(_plain(train__steps="4"), tmp_path, {})
    assert (tmp_path / "config.json").read_text() == before


def test_extended_run_that_dies_at_its_last_look_is_looked_at_again(
    tmp_path, monkeypatch
):
    train(_plain(), tmp_path, {}, profile=2)
    assert [path.name for path in tmp_path.glob("trace-*")] == ["trace-4.json.gz"]
    look = loop.evaluated

    def dying(trained, state, *rest):
        if int(state.step) == 12:
            raise KeyboardInterrupt
        return look(trained, state, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "evaluated", dying)
        with pytest.raises(KeyboardInterrupt):
            train(_plain(train__steps="12"), tmp_path, {})
    train(_plain(train__steps="12"), tmp_path, {})
    lines = Tail(tmp_path / "metrics.jsonl").lines()
    measured = [line["step"] for line in lines if line["split"] == "validation"]
    assert measured == [0, 4, 8, 12]


def test_checkpoints_that_are_gone_are_said(tmp_path):
    """A log that reaches beyond the first save; up to it, a kill before it is all there was."""
    refuse_lost(tmp_path)
    config = _plain(checkpoint__every="4")
    claim(tmp_path, Recipe.build(config), {})
    writer = Writer(tmp_path)
    writer.write(4, "train", {})
    refuse_lost(tmp_path)
    writer.write(6, "train", {})
    writer.close()
    before = (tmp_path / "metrics.jsonl").read_text()
    with pytest.raises(InputError, match="trained 6 rounds, but its checkpoints are g"):
        train(config, tmp_path, {})
    assert (tmp_path / "metrics.jsonl").read_text() == before
    claim(tmp_path, Recipe.build(config), {}, alone=False)
    refuse_lost(tmp_path)  # a member's are its population's
    record = json.loads((tmp_path / "config.json").read_text())
    older = {k: v for k, v in record.items() if k not in ("run", "alone")}
    (tmp_path / "config.json").write_text(json.dumps(older))
    refuse_lost(tmp_path)  # of before records said whose they are
    claim(tmp_path, Recipe.build(config), {})
    (tmp_path / "metrics.jsonl").unlink()
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(InputError, match="its checkpoints are gone"):
        train(config, tmp_path, {})


def test_attempt_that_saved_nothing_leaves_no_log_to_miss_checkpoints_by(
    tmp_path, monkeypatch
):
    """Whatever the next one saves earlier, and wherever it is killed."""
    claim(tmp_path, Recipe.build(_plain(checkpoint__every="8")), {})
    writer = Writer(tmp_path)
    writer.write(6, "train", {"loss": 1.0})
    writer.close()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop._Loop, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        train(_plain(checkpoint__every="4"), tmp_path, {})
    refuse_lost(tmp_path)


def test_failures_of_what_was_measured_in_the_end_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr("genlab.reporting.report.write_report", lambda _: None)
    found = {"one": Measurement({"value": 1.0}, {})}
    monkeypatch.setattr("genlab.evaluation.evaluate.measure", lambda *_: found)
    monkeypatch.setattr("genlab.evaluation.evaluate.check", lambda *_: None)
    data = SimpleNamespace(left_out={})
    trained = SimpleNamespace(step=8, data=data, experiment=None)
    write = lambda *chosen, **failures: write_results(
        tmp_path, trained, _plain(), *chosen, failures=failures
    )
    with pytest.raises(PartFailed, match="^'two' failed: why [(]"):
        write(one="why", two="why")
    assert read_results(tmp_path, 8)["failed"] == {"two": "why"}
    assert write(["one"])["failed"] == {"two": "why"}
    found["two"] = Measurement({"value": 1.0}, {})
    assert "failed" not in write(["two"])


def test_log_holds_each_line_once_after_kills(tmp_path, monkeypatch):
    """Killed before its first save, where it looks at its start again, and before its last."""
    save, saves = Checkpoints._save, []

    def dying(self, state, step, writing):
        saves.append(step)
        if len(saves) in (1, 3):
            raise KeyboardInterrupt
        save(self, state, step, writing)

    monkeypatch.setattr(Checkpoints, "_save", dying)
    config = _plain(checkpoint__every="4", eval__every="4")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path, {})
    train(config, tmp_path, {})
    lines = Tail(tmp_path / "metrics.jsonl").lines()
    keys = [(line["step"], line["split"]) for line in lines]
    assert len(keys) == len(set(keys))
    assert [step for step, split in keys if split == "validation"] == [0, 4, 8]


def test_identity_is_kept_and_found_again(tmp_path):
    recipe = Recipe.build(_plain())
    claim(tmp_path, recipe, {})
    run = identity(tmp_path)
    claim(tmp_path, recipe, {})
    assert identity(tmp_path) == run
    Checkpoints(tmp_path / "checkpoints", run=run).save(recipe.init_state(), 0)
    (tmp_path / "config.json").unlink()
    assert identity(tmp_path) == run, "the checkpoints say it too"
    (tmp_path / "other").mkdir()
    assert identity(tmp_path / "other") != identity(tmp_path / "other")


def test_failure_of_a_metric_costs_the_best_one_evaluation(tmp_path, monkeypatch):
    recipe = Recipe.build(_plain(eval__best="negative_elbo"))
    saved, results = [], {}
    monkeypatch.setattr(Checkpoints, "save_best", lambda self, *of: saved.append(of[1]))
    monkeypatch.setattr(loop.evaluate, "measure", lambda *_: dict(results))
    writer, checkpoints = Writer(tmp_path), Checkpoints(tmp_path / "checkpoints")
    failures = {"held_out": "it failed"}
    look = lambda step: loop.evaluated(
        None,
        SimpleNamespace(step=step),
        recipe,
        writer,
        checkpoints,
        failures,
    )
    look(2)
    results["held_out"] = Measurement({"negative_elbo": 1.0}, {})
    look(4)
    writer.close()
    assert saved == [4], "and again once it is measured"
