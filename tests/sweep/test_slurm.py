"""Sweeps as Slurm array jobs: what the script says, and that its tasks train."""

import json
import os
import shlex
import subprocess
import sys

import decoys
import pytest
import recipes

from genlab.commands.cli import main
from genlab.trials import manifest
from genlab.trials.trial import Trial

RING = str(recipes.CONFIGS / "gan_ring.py:tiny")


@pytest.mark.full
def test_script_is_an_array_whose_tasks_train_their_trial(
    tmp_path, capsys, monkeypatch
):
    """From a folder with others named like genlab's, into one with a name that shells would read."""
    monkeypatch.chdir(decoys.make(tmp_path / "here $HOME `date`"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    command = ["launch.py", "sweep", "--config=config.py", "--seeds=2"]
    sweep = tmp_path / "a 'sweep' %j é"
    target = "-mode_coverage/high_quality_share"
    command += [f"--workdir={sweep}", "--engine=slurm", f"--target={target}"]
    command += ["--config.eval.metrics=('mode_coverage',)"]
    assert main(command) == 0
    script = capsys.readouterr().out
    assert "#SBATCH --array=0-1" in script
    # A plain TERM reaches job steps alone, and here the batch shell becomes the training.
    assert "#SBATCH --signal=B:TERM@60" in script
    # Slurm writes the output into a folder that is there, or ends the task.
    output = shlex.quote(f"{sweep}/slurm-%a.txt".replace("%j", "%%j"))
    assert f"#SBATCH --output={output}" in script
    assert "#SBATCH --job-name=a__sweep___j_é" in script
    assert [path.name for path in sweep.glob("[!.]*")] == ["sweep.json"]
    described = manifest.read(sweep)
    assert (described.engine, described.target) == ("slurm", target)
    assert [trial["overrides"]["seed"] for trial in described.trials] == [0, 1]
    _run(script, task=1)
    (results,) = sweep.glob("*/results.json")
    record = json.loads((results.parent / "config.json").read_text())
    assert record["config"]["seed"] == 1
    assert main(["launch.py", "report", f"--workdir={sweep}"]) == 0
    assert (sweep / "report.html").exists()


def _run(script, task):
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": str(task)}
    subprocess.run(["bash", "-c", script], env=environment, check=True)


def test_task_trains_again_unless_its_results_are_whole(tmp_path, monkeypatch, capsys):
    mark, results = tmp_path / "mark", []

    def command(trial, path, common, sweep):
        results.append(trial.folder(sweep) / "results.json")
        return ["touch", str(mark)]

    monkeypatch.setattr(Trial, "command", command)
    flags = [f"--config={RING}", "--seeds=1", f"--workdir={tmp_path / 's'}"]
    assert main(["launch.py", "sweep", "--engine=slurm", *flags]) == 0
    script = capsys.readouterr().out
    results[0].parent.mkdir()
    for text, trains in ((None, True), ('{"step": 8, "m', True), ("{}", False)):
        if text is not None:
            results[0].write_text(text)
        mark.unlink(missing_ok=True)
        _run(script, task=0)
        assert mark.exists() == trains


def test_folder_that_a_script_cannot_name_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(decoys.make(tmp_path / "here"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    command = ["launch.py", "sweep", "--config=config.py", "--seeds=1"]
    for name in ("a\nrm -rf x", "a\\b", "a\x1b[2J"):
        assert main([*command, "--engine=slurm", f"--workdir={tmp_path / name}"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "a Slurm script" in line or "in the Slurm script" in line
        assert not (tmp_path / name).exists()
