"""Run folders as they are listed and compared in a terminal."""

import json

from genlab.reporting import comparison, overview
from genlab.run.folder import in_use, locked
from genlab.storage import sidefile


def write_run(folder, value=1.0, protocol=None, fingerprint=None, **config):
    """A run that has finished its 8 rounds."""
    folder.mkdir(parents=True)
    config = {"experiment": {"name": "vae"}, "train": {"steps": 8}, **config}
    record = {"config": config, "data": {"fingerprint": fingerprint, "facts": {}}}
    (folder / "config.json").write_text(json.dumps(record))
    found = {"values": {"kl": value}, "protocol": protocol or {}}
    results = {"step": 8, "metrics": {"held_out": found}}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_run_may_be_called_like_a_column(tmp_path):
    names = ["runs", "config", "results", "measured unlike"]
    folders = [
        write_run(tmp_path / name, float(i), {"num": i, "seed": i}, seed=i)
        for i, name in enumerate(names)
    ]
    tables = comparison.render(folders, comparison.compared(folders)).split("\n\n")
    first = {table.split()[0]: table.splitlines() for table in tables}
    assert list(first) == ["runs", "config", "results"]
    for lines in first.values():
        assert [name for name in names if name in lines[0]] == names
    (_, seed) = first["config"]
    assert seed.split() == ["seed", "0", "1", "2", "3"]
    told = ["kl", *["refused"] * 4, "num", "(0,", "1,", "2,", "3)"]
    assert first["results"][1].split() == told


def test_values_of_one_protocol_on_the_same_examples_alone_are_compared(tmp_path):
    """Whatever the seed, and whatever a metric found out about the model."""
    runs = {
        "a": {"protocol": {"num": 10, "seed": 0, "chosen": {"C": 1.0}}},
        "seed": {"protocol": {"num": 10, "seed": 1, "chosen": {"C": 0.1}}},
        "number": {"protocol": {"num": 20, "seed": 0}},
        "examples": {"protocol": {"num": 10, "seed": 0}, "data": {"x": "other"}},
        "coins": {"protocol": {"num": 10}, "config": {"data": {"binarize": "dynamic"}}},
    }
    folders = {
        name: write_run(
            tmp_path / name,
            protocol=run["protocol"],
            fingerprint=run.get("data", {"x": "1"}),
            **run.get("config", {}),
        )
        for name, run in runs.items()
    }
    unlike = {}
    for name in list(runs)[1:]:
        found = comparison.compared([folders["a"], folders[name]])["results"]["kl"]
        assert [one["value"] for one in found] == [
            None if found[0]["unlike"] else 1.0
        ] * 2
        unlike[name] = list(found[0]["unlike"])
    keys = {"seed": [], "number": ["num"], "examples": ["data"], "coins": ["binarize"]}
    assert unlike == keys


def test_member_runs_while_its_sweep_does(tmp_path):
    sweep = tmp_path / "sweep"
    members = [write_run(sweep / name) for name in "ab"]
    (sweep / "sweep.json").write_text("{}")
    for member in members:
        (member / "results.json").unlink()
    for state in ("stopped", "running"):
        with locked(sweep if state == "running" else tmp_path):
            assert {row.state for row in overview.rows(sweep)} == {state}
            assert comparison.compared(members)["runs"]["state"] == [state] * 2


def test_whoever_looks_at_a_folder_writes_nothing(tmp_path):
    """And nobody is at work where nothing can be written, on a disk that is read alone."""
    run = write_run(tmp_path / "run")
    assert not in_use(run) and not (run / ".lock").exists()
    (run / ".lock").mkdir()
    assert not in_use(run)


def test_damaged_log_is_read_and_announced_once(tmp_path, caplog, monkeypatch):
    line = {"step": 4, "split": "time", "values": {"rounds_per_second": 2.0}}
    folders = [write_run(tmp_path / name) for name in "ab"]
    for folder in folders:
        (folder / "metrics.jsonl").write_text(json.dumps(line) + '\n{"step"\n')
    assert [row.seconds for row in overview.rows(tmp_path)] == [2.0, 2.0]
    assert sorted(record.args[0].parent for record in caplog.records) == folders
    caplog.clear()
    monkeypatch.setattr(sidefile, "_told", set())
    assert comparison.compared(folders)["runs"]["rounds"] == [8, 8]
    assert [record.args[0].parent for record in caplog.records] == folders
