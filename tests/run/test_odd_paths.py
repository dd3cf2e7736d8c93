"""A whole run in a folder whose name has everything that a name can have."""

import json
import os
import subprocess
import sys
import unicodedata

import pytest
import recipes

# All that is refused by a Unix is a slash and a zero byte.
NAME = " ~-a [b] *?'\"%20:s3:$HOME{}#&;<>|!\\\n\t" + os.fsdecode(b"\xff")
NAME += unicodedata.normalize("NFC", "é") + unicodedata.normalize("NFD", "é")

COMMANDS = """
import sys
from genlab.commands.cli import main
config, run = sys.argv[1:]
same = [config, "--workdir=" + run, "--config.devices=1", "--config.sample.plots=()"]
of = ["--workdir=" + run]
for arguments in (
    [*same, "--config.train.steps=4"], same, ["eval", *of],
    ["sample", *of, "--out=" + run + "/a.png"], ["sample", *of, "--out=" + run + "/a.npz"],
    ["export", *of, "--out=" + run + "/a.safetensors"], ["report", *of],
):
    print("exit code", main(["launch.py", *arguments]))
"""


@pytest.mark.full
def test_train_resume_and_look_in_an_odd_folder(tmp_path):
    run = tmp_path / NAME / NAME[::-1]
    config = f"--config={recipes.CONFIGS}/vae.py:tiny"
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, config, str(run)],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(recipes.CONFIGS.parent)},
    )
    told = (done.stdout + done.stderr).decode()
    assert done.stdout.count(b"exit code 0\n") == 7, told
    assert "Traceback" not in told
    assert "resumed from step 4" in told
    assert json.loads((run / "config.json").read_text())["run"]
    results = json.loads((run / "results.json").read_text())
    assert results["step"] == 8
    names = {path.name for path in run.iterdir()}
    assert names >= {"report.html", "a.png", "a.npz", "a.safetensors", "checkpoints"}
    assert list(tmp_path.iterdir()) == [tmp_path / NAME]
