"""How far a sweep is, from folders as the engines leave them."""

import io
import json
import os
import re
import socket
import subprocess

import pytest
from rich.console import Console

from genlab.sweep.process import recorded
from genlab.sweep.progress import Overview
from genlab.trials.manifest import Manifest, write
from genlab.trials.tail import Tail

NAMES = ("best", "worse", "runs", "died", "fails", "loses", "later")


def _write(path, record):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))


def _line(step, split, **values):
    return json.dumps({"step": step, "split": split, "values": values}) + "\n"


@pytest.fixture
def sweep(tmp_path):
    """Two finished, one running, one whose process died, one failed, one pruned, one waiting."""
    trials = tuple({"name": name, "overrides": {}} for name in NAMES)
    described = {"command": "", "config": "", "common": {}, "engine": "local"}
    write(tmp_path, Manifest(**described, target="-share", trials=trials))
    config = {"stages": [], "train": {"steps": 50}, "eval": {"split": "validation"}}
    for name in NAMES[:-1]:
        _write(tmp_path / name / "config.json", {"config": config})
    for name, share in (("best", 0.75), ("worse", 0.25)):
        measured = {"held_out": {"values": {"share": 1 - share}, "protocol": {}}}
        _write(tmp_path / name / "results.json", {"step": 50, "metrics": measured})
        # What counts is the evaluation; the results, on another split, are for reports.
        line = _line(50, "validation", share=share) + _line(50, "test", share=0.9)
        (tmp_path / name / "metrics.jsonl").write_text(line)
    # An evaluation in the middle is no result of the trial.
    _write(tmp_path / "runs" / "results.json", {"step": 10, "metrics": {}})
    (tmp_path / "runs" / "metrics.jsonl").write_text(
        _line(0, "validation", share=0.1)
        + _line(20, "train", **{"generator/loss": 1.5})
        + _line(20, "time", rounds_per_second=12.0)
        + _line(20, "validation", share=0.5)
        + '{"step": 30, "spl'
    )
    host = socket.gethostname()
    process = {"host": host, "process": os.getpid()}
    _write(tmp_path / "runs" / "process.json", process)
    dead = subprocess.Popen(["true"])
    dead.wait()
    _write(tmp_path / "died" / "process.json", {"host": host, "process": dead.pid})
    (tmp_path / "fails" / "failed.txt").write_text("step 3\n")
    _write(tmp_path / "loses" / "pruned.json", {"step": 10})
    return tmp_path


def test_counts_and_best(sweep):
    overview = Overview(sweep, total=9).look()
    states = {"finished": 2, "running": 1, "waiting": 4, "failed": 1, "pruned": 1}
    assert overview.counts() == states
    assert overview.summary() == (
        "9 trials: 2 finished, 1 running, 4 waiting, 1 failed, 1 pruned;"
        " best share 0.75, best"
    )
    running = overview.trials["runs"]
    assert (running.step, running.steps) == (20, 50)
    assert (running.value, running.loss, running.rate) == (0.5, 1.5, 12.0)


def test_what_happens_between_two_looks_shows(sweep):
    overview = Overview(sweep).look()
    with (sweep / "runs" / "metrics.jsonl").open("a") as file:
        file.write('it": "train", "values": {"generator/loss": 1.0}}\n')
    measured = {"held_out": {"values": {"share": 0.8}, "protocol": {}}}
    _write(sweep / "died" / "results.json", {"step": 50, "metrics": measured})
    line = _line(50, "validation", share=0.85)
    (sweep / "died" / "metrics.jsonl").write_text(line)
    (sweep / "fails" / "failed.txt").unlink()
    overview.look()
    assert (overview.trials["runs"].step, overview.trials["runs"].loss) == (30, 1.0)
    assert overview.summary() == (
        "7 trials: 3 finished, 1 running, 2 waiting, 1 pruned; best share 0.85, died"
    )


def test_no_sweep_yet(tmp_path):
    assert Overview(tmp_path).look().summary() == "0 trials: none yet"
    assert Overview(tmp_path, 5).look().summary() == "5 trials: 5 waiting"


def test_terminal_has_a_row_for_each_running_trial(sweep):
    screen = Console(file=io.StringIO(), width=120)
    screen.print(Overview(sweep).render())
    text = screen.file.getvalue()
    assert "2 finished, 1 running" in text
    (row,) = [line for line in text.splitlines() if "runs" in line]
    assert re.findall(r"[\d.]+", row) == ["20", "50", "0.5", "12"]


def test_a_process_is_recorded_while_it_trains_several_trials(sweep):
    with recorded([sweep / "runs", sweep / "died"]):
        assert Overview(sweep).look().counts()["running"] == 2
    assert Overview(sweep).line().startswith("7 trials: 2 finished, 3 waiting")


def test_tail_reads_a_replaced_file_from_its_start(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.lines() == []
    path.write_text(_line(1, "train") + _line(2, "train"))
    assert [line["step"] for line in tail.lines()] == [1, 2]
    assert tail.lines() == []
    other = tmp_path / "other"
    other.write_text(_line(1, "train"))
    other.replace(path)
    assert [line["step"] for line in tail.lines()] == [1]
