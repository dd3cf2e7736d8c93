"""Shares of a sweep: commands that train its trials between them, each once."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.process import command
from genlab.reporting.sweep import read_sweep
from genlab.run.folder import in_use, locked
from genlab.sweep.share import Share
from genlab.trials import manifest, space
from genlab.trials.trial import resolve

ROOT = Path(__file__).parents[2]
VAE = str(recipes.CONFIGS / "vae.py:tiny")
QUICK = ("--config.devices=1", "--config.sample.plots=()")
PROGRAM = "import sys; from genlab.commands.cli import main; sys.exit(main(sys.argv))"


def _words(workdir, *more):
    words = ("sweep", f"--config={VAE}", "--grid=objective.beta=1,2", "--seeds=2")
    return [*words, f"--workdir={workdir}", *QUICK, *more]


def _sweep(workdir, *more):
    return main(["launch.py", *_words(workdir, *more)])


def _trials(seeds=3):
    return resolve(VAE, {}, space.seeds(seeds))


def _results(sweep):
    found = {}
    for path in sweep.glob("*/results.json"):
        kept = json.loads(path.read_text())
        found[path.parent.name] = (kept["step"], kept["metrics"])
    return found


def _refused(share, sweep, told, trials=()):
    with (
        pytest.raises(InputError, match=told),
        share.held(sweep, trials or _trials()),
    ):
        pass


def test_every_trial_is_in_one_share():
    trials = list(range(7))
    for count in range(1, 9):
        shares = [Share(number + 1, count).trials(trials) for number in range(count)]
        assert sorted(itertools.chain(*shares)) == trials
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/2/3", "a/b", "-1/2", "1/"])
def test_what_is_no_share_is_refused(text, tmp_path, capsys):
    assert _sweep(tmp_path / "s", f"--share={text}") == 2
    assert "is not K/N with K from 1 to N" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("other", ["--pruner=halving", "--evolve=4"])
def test_trials_that_are_compared_are_not_shared_out(other, tmp_path, capsys):
    target = ("--target=negative_elbo", other, "--share=1/2")
    assert _sweep(tmp_path / "s", *target) == 2
    assert "compares all trials" in capsys.readouterr().err


def test_search_is_shared_without(tmp_path, capsys):
    words = ("sweep", f"--config={recipes.CONFIGS / 'gan_ring.py:tiny'}")
    search = ("--sweep=space", "--target=-mode_coverage/high_quality_share")
    more = (
        "--trials=2",
        "--engine=local",
        "--share=1/2",
        f"--workdir={tmp_path / 's'}",
    )
    assert main(["launch.py", *words, *search, *more]) == 2
    assert "a search is shared by the same command" in capsys.readouterr().err


def test_two_at_once_train_what_one_command_would(tmp_path):
    shared, whole = tmp_path / "shared", tmp_path / "whole"
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *_words(shared, f"--share={number}/2")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in (1, 2)
    ]
    assert _sweep(whole) == 0
    for process in commands:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert len(_results(whole)) == 4
    assert _results(shared) == _results(whole)
    tables = [folder / "results.csv" for folder in (shared, whole)]
    assert tables[0].read_text() == tables[1].read_text()
    assert {trial.state for trial in read_sweep(shared).trials} == {"finished"}
    assert "--share" not in manifest.read(shared).command
    assert "finished" in (shared / "report.html").read_text()


def test_trials_of_a_task_of_slurm_train_alone(tmp_path, monkeypatch):
    """By processes, whose scheduler says that they are one of two; the other share has no trial."""
    slurm = {"JOB_ID": "1", "NTASKS": "2", "PROCID": "1", "LOCALID": "1"}
    for name, value in {**slurm, "STEP_NODELIST": "node", "JOBID": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    words = ("--engine=local", "--workers=1")
    grid = ["sweep", f"--config={VAE}", "--seeds=1", f"--workdir={tmp_path}", *QUICK]
    assert main(["launch.py", *grid, *words, "--share=2/2"]) == 0
    assert not _results(tmp_path)
    assert main(["launch.py", *grid, *words, "--share=1/2"]) == 0
    assert len(_results(tmp_path)) == 1


def test_nobody_else_trains_what_a_share_does(tmp_path):
    whole, first, second, trials = Share(), Share(1, 2), Share(2, 2), _trials()
    with first.held(tmp_path, trials):
        assert in_use(tmp_path)
        for refused in (first, whole, Share(1, 3)):
            _refused(refused, tmp_path, "another process trains the sweep")
        _refused(second, tmp_path, "others than those", _trials(4))
        with second.held(tmp_path, trials):
            assert in_use(tmp_path)
    assert not in_use(tmp_path)
    with Share(1, 3).held(tmp_path, trials), Share(3, 3).held(tmp_path, trials):
        _refused(second, tmp_path, "others than those")
    with whole.held(tmp_path, trials):
        _refused(second, tmp_path, "all of it")
    with locked(tmp_path):
        _refused(whole, tmp_path, "in use by another process")


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    _refused(Share(1, 2), tmp_path / "file" / "sweep", "cannot be written")


def test_flag_is_left_out_of_a_command(monkeypatch):
    words = ["sweep", "--share", "1/2", "--seeds=2", "--share=2/2", "--shared=1"]
    monkeypatch.setattr(sys, "argv", [os.path.join("bin", "genlab"), *words])
    assert command.line(without="share") == "genlab sweep --seeds=2 --shared=1"
    assert command.line().startswith("genlab sweep --share 1/2 --seeds=2")
