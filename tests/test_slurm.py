"""Sweeps as Slurm array jobs: what the script says, and that its tasks train."""

import json
import os
import subprocess

import recipes

from genlab.cli import main
from genlab.sweep import manifest

RING = str(recipes.CONFIGS / "gan_ring.py:tiny")


def test_script_is_an_array_whose_tasks_train_their_trial(tmp_path, capsys):
    command = ["launch.py", "sweep", f"--config={RING}", "--seeds=2", "--engine=slurm"]
    sweep = tmp_path / "sweep"
    command += [f"--workdir={sweep}", "--config.sample.plots=()", "--target=-modes"]
    assert main(command) == 0
    script = capsys.readouterr().out
    assert "#SBATCH --array=0-1" in script
    # A plain TERM reaches job steps alone, and here the batch shell becomes the training.
    assert "#SBATCH --signal=B:TERM@60" in script
    # Slurm writes the output into a folder that is there, or ends the task.
    assert f"#SBATCH --output={sweep}/slurm-%a.txt" in script
    assert [path.name for path in sweep.glob("[!.]*")] == ["sweep.json"]
    described = manifest.read(sweep)
    assert (described.engine, described.target) == ("slurm", "-modes")
    assert [trial["overrides"]["seed"] for trial in described.trials] == [0, 1]
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "1"}
    for _ in range(2):  # the second time the trial is finished
        subprocess.run(["bash", "-c", script], env=environment, check=True)
    (results,) = sweep.glob("*/results.json")
    record = json.loads((results.parent / "config.json").read_text())
    assert record["config"]["seed"] == 1
    assert main(["launch.py", "report", f"--workdir={sweep}"]) == 0
    assert (sweep / "report.html").exists()
