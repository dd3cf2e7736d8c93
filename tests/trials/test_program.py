"""The processes of trials: what they import, why they failed, and what a sweep says of it."""

import json
import subprocess
import sys

import pytest
import recipes

from genlab.commands.cli import main
from genlab.sweep import ray_tune
from genlab.trials import failure, program, table
from genlab.trials.trial import resolve

RING = str(recipes.CONFIGS / "gan_ring.py:tiny")

TRACED = """\
Traceback (most recent call last):
  File 'a'
    x()
jax.errors.SimplifiedTraceback: For simplicity, JAX has removed its internal frames from the
traceback of the following exception.

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File 'b'
TypeError: add got shapes (2,)
and (3,).
--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following exception.
"""


def test_places_of_modules_keep_their_order_with_the_working_folder_last(
    tmp_path, monkeypatch
):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    monkeypatch.chdir(tmp_path)
    places = ["", str(other), str(program.HOME), "one", "/nowhere"]
    monkeypatch.setattr(sys, "path", places)
    ordered = [str(path) for path in (other, program.HOME, one, tmp_path)]
    assert program.import_paths() == ordered


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("round 3\nSegmentation fault\n", "Segmentation fault"),
        ("genlab: error: no such key\nbye\n", "genlab: error: no such key"),
        (TRACED, "TypeError: add got shapes (2,)"),
        (TRACED + "genlab: error: a file is cut", "genlab: error: a file is cut"),
    ],
)
def test_reason_is_the_line_of_the_exception(text, reason):
    assert failure.reason_in(text) == reason


def test_sweep_without_a_finished_trial_is_no_success(tmp_path, monkeypatch, caplog):
    """Where some finished it is; the reasons are told once each, with how many and where."""
    command = ["launch.py", "sweep", f"--config={RING}", "--grid=seed=0,1"]
    command += ["--engine=local", f"--workdir={tmp_path}"]
    trials = resolve(RING, {}, [{"seed": "0"}, {"seed": "1"}])

    def fails(trial, *arguments, **options):
        folder = trial.folder(tmp_path)
        folder.mkdir(exist_ok=True)
        failure.record(folder, "ValueError: no")
        return 3

    monkeypatch.setattr("genlab.sweep.process.run", fails)
    assert main(command) == 1
    told = f"2 of 2 trials failed: ValueError: no ({trials[0].folder(tmp_path)} and 1"
    assert told in caplog.text
    done = {"step": trials[0].steps, "metrics": {}}
    (trials[0].folder(tmp_path) / "results.json").write_text(json.dumps(done))
    caplog.clear()
    assert main(command) == 0
    assert "1 of 2 trials failed: ValueError: no (" in caplog.text
    assert [table.state_of(t, tmp_path) for t in trials] == ["finished", "failed"]


def test_ray_and_the_search_for_gpus_look_nowhere_in_the_working_folder(monkeypatch):
    seen = []

    def run(command, **options):
        seen.append(command)
        raise subprocess.TimeoutExpired(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Exception, match="no Ray cluster answers"):
        ray_tune._probe("nowhere:1")
    assert "-P" in seen[0]
