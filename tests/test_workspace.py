"""The worked examples of WORKSPACE.md, trained as they stand there, from outside the repository."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from genlab.commands.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "WORKSPACE.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL))
SHORT = "my_losses"


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder with the files of the examples, from which commands are given."""
    assert sorted(BLOCKS) == ["my_config.py", f"{SHORT}.py", "my_parts.py"]
    for name, code in BLOCKS.items():
        (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def losses(player):
    """Of the run's lines."""
    lines = [json.loads(x) for x in Path("run/metrics.jsonl").read_text().splitlines()]
    return [x["values"][f"{player}/loss"] for x in lines if x["split"] == "train"]


@pytest.mark.usefixtures("outside")
def test_worked_example_trains():
    command = [
        "launch.py",
        "--config=my_config.py",
        "--workdir=run",
        "--config.devices=1",
    ]
    assert main(command) == 0
    found = losses("denoiser")
    assert found[-1] < 0.5 * found[0]
    for plot in ("reconstructions", "my_parts-errors"):
        assert Path(f"run/samples/{plot}-00000400.png").exists()
    measured = json.loads(Path("run/results.json").read_text())["metrics"]
    assert measured["my_parts:largest_error"]["values"]["largest"] > 0
    lines = Path("run/numbers.csv").read_text().splitlines()
    assert f"400,train/denoiser/loss,{found[-1]}" in lines


def commands():
    """Those of the text that name a part of the short examples."""
    lines = TEXT.replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("genlab --config")]


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("command", [c for c in commands() if SHORT in str(c)], ids=str)
def test_short_examples_train(command):
    program, config, *overrides = command
    config += ":tiny"
    rest = ["--workdir=run", "--config.devices=1", "--config.sample.plots=()"]
    assert main([program, config, *rest, *overrides]) == 0
    assert losses("discriminator" if "gan" in config else "vae")


def test_short_examples_are_short_and_all_of_them_train():
    functions = [
        node
        for node in ast.parse(BLOCKS[f"{SHORT}.py"]).body
        if isinstance(node, ast.FunctionDef)
    ]
    assert all(node.end_lineno - node.lineno < 15 for node in functions)
    named = {node.name for node in functions}
    assert named == set(re.findall(rf"{SHORT}:(\w+)", str(commands())))
