"""Files of a sweep that are damaged: passed over by name, made again, and the end of nothing."""

import csv
import io
import json
import math
import os
import shutil
import socket
import sys

import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.reporting.report import write_sweep_report
from genlab.storage import sidefile
from genlab.sweep import mode, process
from genlab.sweep.progress import Overview
from genlab.trials import manifest, seeds, table
from genlab.trials.trial import resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")
DAMAGES = (
    *(
        b"",
        b"\0\0",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"[[]]",
        b"7",
        b'"text"',
        b"\xff\xfe{",
    ),
    *(b"[" * 100_000, b'{"step": 1e999, "split": [], "values": {"a": 1}}'),
    *(b'{"step": 4, "metrics": {"a": {"values": {"b": 1' + b"0" * 400 + b"}}}}",),
    *(b'{"config": {"stages": [3], "train": [], "eval": {"best": {}, "split": []}}}',),
    *(b'{"host": 3, "process": -1}', b'[{"step": 1, "knobs": [2]}]', b"[3]"),
    *(b'{"pruner": 1, "evolve": [], "target": null}', b'{"trials": [1], "4": {}}'),
)
SIDE = (
    ("results.json", "config.json"),
    ("metrics.jsonl", "process.json", "log.txt", "evolution.json"),
    ("failed.txt",),
    ("pruned.json",),
)


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(sidefile, "_told", set())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    assert main(_command(folder)) == 0
    return folder


@pytest.fixture
def sweep(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "sweep")


def _command(folder):
    common = [
        "--config.sample.plots=()",
        "--config.devices=1",
        "--target=negative_elbo",
    ]
    return [
        "launch.py",
        "sweep",
        f"--config={VAE}",
        "--seeds=2",
        f"--workdir={folder}",
    ] + (common)


def _trials():
    return resolve(
        VAE, {"sample.plots": "()", "devices": "1"}, [{"seed": 0}, {"seed": 1}]
    )


@pytest.mark.parametrize(
    "names", [*SIDE[:2], *(pytest.param(n, marks=pytest.mark.full) for n in SIDE[2:])]
)
def test_no_damage_of_a_side_file_ends_the_table_the_report_or_the_progress(
    names, sweep
):
    first, _ = trials = _trials()

    def look():
        table.render(trials, sweep)
        seeds.over_seeds(trials, sweep)
        table.write_csv(trials, sweep)
        table.best_of(trials, sweep, "negative_elbo")
        Overview(sweep).look().summary()
        assert not process.is_running(first.folder(sweep))
        write_sweep_report(sweep)

    paths = [first.folder(sweep) / name for name in names]
    for damage in DAMAGES:
        for path in paths:
            path.write_bytes(damage)
        look()
    for make in (os.mkdir, os.mkfifo):
        for path in paths:
            path.rmdir() if path.is_dir() else path.unlink()
            make(path)
        look()


@pytest.mark.full
def test_damaged_files_are_named_and_made_again(sweep, whole, caplog):
    """All at once, and the same results as before come of the checkpoints that are there."""
    first, second = _trials()
    (first.folder(sweep) / "results.json").write_text('{"step": 8, "metr')
    (first.folder(sweep) / "config.json").write_text("{")
    (second.folder(sweep) / "config.json").write_text("[]")
    log = second.folder(sweep) / "metrics.jsonl"
    log.write_text('{"step": 1, "split": "val\n' + log.read_text())
    (sweep / "population.json").write_text("]")
    (sweep / "sweep.json").write_text('{"trials": 3}')
    assert main(_command(sweep)) == 0
    for path in (
        *(first.folder(sweep) / "results.json", first.folder(sweep) / "config.json"),
        *(second.folder(sweep) / "config.json", second.folder(sweep) / "metrics.jsonl"),
        *(sweep / "population.json", sweep / "sweep.json"),
    ):
        assert f"{path} is passed over" in caplog.text
    for trial in (first, second):
        again, before = trial.results(sweep), trial.results(whole)
        assert again | {"measured": ""} == before | {"measured": ""}
        made = json.loads((trial.folder(sweep) / "config.json").read_text())
        assert made["config"] == trial.config
    assert mode._known(sweep, {}) == {"pruner": "", "evolve": 0, "target": ""}
    assert manifest.read(sweep).trials == manifest.read(whole).trials


def test_manifest_that_is_made_again_keeps_the_trials_whose_folders_are_there(sweep):
    (sweep / "sweep.json").write_text("{")
    described = manifest.Manifest(command="", config=VAE, common={}, engine="local")
    found = manifest.write(sweep, described).trials
    assert {entry["name"] for entry in found} == {trial.name for trial in _trials()}
    assert sorted(entry["overrides"]["seed"] for entry in found) == [0, 1]


@pytest.mark.parametrize(
    ("decided", "asked", "told"),
    [
        ("", {}, ""),
        ("rungs.json", {"pruner": "halving", "target": "kl"}, ""),
        ("rungs.json", {}, "trained with --pruner=halving"),
        ("a/evolution.json", {"evolve": 4, "target": "kl"}, ""),
        ("a/evolution.json", {}, "trained with --evolve=ROUNDS"),
    ],
)
def test_mode_of_a_damaged_file_is_what_was_decided(decided, asked, told, tmp_path):
    (tmp_path / "population.json").write_text('{"pruner"')
    if decided:
        (tmp_path / decided).parent.mkdir(exist_ok=True)
        (tmp_path / decided).write_text("[]")
    if told:
        with pytest.raises(InputError, match=told):
            mode.claim(tmp_path, **asked)
        return
    mode.claim(tmp_path, **asked)
    known = json.loads((tmp_path / "population.json").read_text())
    assert known == {"pruner": "", "evolve": 0, "target": "", **asked}


def test_process_file_sends_no_signal_to_many(tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
    monkeypatch.setattr(process, "in_use", lambda folder: True)
    for number in (-1, 0, 1, True, "7", 2**70, None):
        record = {"host": socket.gethostname(), "process": number}
        (tmp_path / "process.json").write_text(json.dumps(record))
        assert not process._wait_for_another(tmp_path, lambda: True)
        assert not process.is_running(tmp_path)
    assert not sent


def test_what_lies_in_the_place_of_a_trials_folder_is_named(tmp_path, capsys):
    command = ["launch.py", "sweep", f"--config={VAE}", "--seeds=1"]
    (trial,) = resolve(VAE, {}, [{"seed": 0}])
    tmp_path.joinpath("file").mkdir()
    trial.folder(tmp_path / "file").write_text("")
    tmp_path.joinpath("link").mkdir()
    trial.folder(tmp_path / "link").symlink_to("nowhere")
    for engine in ("population", "local", "slurm"):
        for name in ("file", "link"):
            more = [f"--engine={engine}", f"--workdir={tmp_path / name}"]
            assert main([*command, *more]) == 2
            (line,) = capsys.readouterr().err.strip().splitlines()
            assert "is no folder, and a trial would train in one there" in line
            assert not (tmp_path / name / "sweep.json").exists()


def test_finished_sweep_trains_nothing_again(sweep):
    before = {path: path.stat().st_mtime_ns for path in sweep.rglob("results.json")}
    assert len(before) == 2
    (sweep / "results.csv").unlink()
    assert main(_command(sweep)) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    with (sweep / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "1"]
    assert all(math.isfinite(float(row["negative_elbo"])) for row in rows)


def test_table_is_written_whatever_the_terminal_can_show(sweep, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    (sweep / "results.csv").unlink()
    try:
        main(_command(sweep))
    except UnicodeEncodeError:
        pass  # the stream's own matter
    with (sweep / "results.csv").open(encoding="utf-8") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished"] * 2
