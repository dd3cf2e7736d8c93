"""Studies: Optuna's trials, each ended once, whoever was killed in between."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import recipes

from genlab.cli import main
from genlab.errors import InputError
from genlab.sweep import space
from genlab.sweep.space import Choice, Integers, Uniform
from genlab.sweep.study import Study

optuna = pytest.importorskip("optuna", reason="studies need the extra `sweep`")
ROOT = Path(__file__).parent.parent
RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
TARGET = "--target=-mode_coverage/high_quality_share"


def _command(workdir, trials):
    return [
        *("sweep", f"--config={RING}", "--sweep=space", "--engine=study", TARGET),
        *(f"--trials={trials}", "--workers=2", f"--workdir={workdir}"),
        *("--sampler=random", "--config.devices=1", "--config.sample.plots=()"),
    ]


def _rows(workdir):
    with (workdir / "results.csv").open() as file:
        return list(csv.DictReader(file))


def _states(workdir):
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(workdir / "study.journal"))
    )
    study = optuna.load_study(study_name=workdir.name, storage=storage)
    return [trial.state.name for trial in study.trials]


def test_random_draws_stay_in_the_space_and_begin_alike():
    there = {"a": Uniform(1e-4, 1e-2, log=True), "b": Integers(2, 4), "c": Choice("xy")}
    drawn = space.draw(there, 300)
    assert space.draw(there, 10) == drawn[:10]
    logs = np.log10([point["a"] for point in drawn])
    assert -4 <= logs.min() < -3.9
    assert -2.1 < logs.max() <= -2
    assert abs(np.median(logs) + 3) < 0.2
    assert {point["b"] for point in drawn} == {2, 3, 4}
    assert {point["c"] for point in drawn} == {"x", "y"}
    with pytest.raises(InputError, match="0 trials are no sweep"):
        space.draw(there, 0)


def test_a_population_draws_from_a_space(tmp_path):
    command = ["launch.py", "sweep", f"--config={RING}", "--sweep=space", "--trials=3"]
    assert main([*command, f"--workdir={tmp_path}", "--config.sample.plots=()"]) == 0
    assert [row["state"] for row in _rows(tmp_path)] == ["finished"] * 3


def test_killed_study_goes_on_and_loses_no_trial(tmp_path):
    workdir = tmp_path / "study"
    program = "import sys; from genlab.cli import main; sys.exit(main(sys.argv))"
    victim = subprocess.Popen(
        [sys.executable, "-c", program, *_command(workdir, 3)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(list(workdir.glob("*/config.json"))) < 2:
        assert time.monotonic() < deadline, "no trial in two minutes"
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert "RUNNING" in _states(workdir)
    assert main(["launch.py", *_command(workdir, 3)]) == 0
    assert _states(workdir) == ["COMPLETE"] * 3
    rows = _rows(workdir)
    assert [row["state"] for row in rows] == ["finished"] * 3
    finished = {
        path: path.stat().st_mtime_ns for path in workdir.glob("*/results.json")
    }
    assert main(["launch.py", *_command(workdir, 3)]) == 0
    assert finished == {path: path.stat().st_mtime_ns for path in finished}


def test_study_of_another_space_is_refused(tmp_path):
    one = {"seed": Integers(0, 9)}
    Study(RING, {}, tmp_path / "s", one, target="loss")
    Study(RING, {}, tmp_path / "s", one, target="loss")
    with pytest.raises(InputError, match="was made by"):
        Study(RING, {}, tmp_path / "s", {"seed": Integers(0, 5)}, target="loss")
    with pytest.raises(InputError, match="does not answer"):
        Study(RING, {}, tmp_path / "t", one, target="loss", storage="redis://nowhere:1")
    with pytest.raises(
        InputError, match="sampler 'tpee' is unknown; did you mean 'tpe'"
    ):
        Study(RING, {}, tmp_path / "t", one, target="loss", sampler="tpee")
