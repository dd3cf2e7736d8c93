"""The contenders that are genlab's own run on what genlab is now, how fast is not asserted; and the
judge of `benchmarks faults` sees what it is there to see."""

import json
from pathlib import Path

import pytest
import recipes

from benchmarks import sweep
from benchmarks.faults import kills, mutation, outcome
from benchmarks.faults.case import Bench


@pytest.mark.parametrize("contender", ["population", "one_trial"])
def test_contender_of_the_sweep_runs(contender, monkeypatch):
    monkeypatch.setattr(sweep, "ROUNDS", 2)
    monkeypatch.setattr(sweep, "PER_CALL", 2)
    monkeypatch.setitem(sweep.COMMON, "train.steps", "2")
    monkeypatch.setitem(sweep.COMMON, "train.steps_per_call", "2")
    monkeypatch.setitem(sweep.COMMON, "train.batch_size", "8")
    run = getattr(sweep, contender)("")
    run(1)


def test_kills_are_dealt_among_all_recipes_and_engines():
    games = kills.games()
    assert set(recipes.all_configs()) | set(kills.ENGINES) == set(games)
    dealt = kills.cases(Bench(0, Path()), 2 * len(games))
    assert dealt == [f"kills/{name}/2" for name in sorted(games)]


def test_a_case_draws_the_same_whatever_is_tried_beside_it():
    one, other = (Bench(3, Path()).generator("fuzz/grid/7") for _ in range(2))
    assert mutation.document(one, {"a": [1]}) == mutation.document(other, {"a": [1]})
    assert one.random() != Bench(4, Path()).generator("fuzz/grid/7").random()


def test_outcome_sees_a_line_twice_a_draft_and_another_number(tmp_path):
    lines = [{"step": 4, "split": "train", "values": {"loss": 0.5}}]
    lines += [{"step": 4, "split": "time", "values": {"rounds_per_second": 9.0}}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text)
    (tmp_path / "results.json").write_text("{}")
    before = outcome.of(tmp_path)
    (tmp_path / "metrics.jsonl").write_text(text.replace("9.0", "8.0"))
    assert outcome.differences(before, outcome.of(tmp_path)) == []
    (tmp_path / "metrics.jsonl").write_text(text + text)
    (tmp_path / "results.json").write_text("{ }")
    (tmp_path / ".results.json.unfinished").touch()
    found = outcome.differences(before, outcome.of(tmp_path))
    names = [line.partition(":")[0] for line in found]
    assert names == ["files", "metrics.jsonl", "results.json"]
