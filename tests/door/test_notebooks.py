"""The notebooks of docs/notebooks, as scripts and as notebooks."""

import ast
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.py"))
pytestmark = pytest.mark.usefixtures("registries")


def cells(text: str) -> list[str]:
    """The code of each cell, in order; what is no code is comment and must stay so."""
    _, *parts = re.split("^# %%", text, flags=re.MULTILINE)
    for part in parts:
        if part.startswith(" [markdown]"):
            _, *lines = part.strip().splitlines()
            assert all(line.startswith("#") for line in lines), part
    return [part for part in parts if not part.startswith(" [markdown]")]


def shown(text: str, monkeypatch) -> list[bytes]:
    """Runs the cells one after another; the pictures that a notebook would show."""
    room = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", room)
    pictures = []
    for cell in cells(text):
        tree = ast.parse(cell)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), vars(room))  # noqa: S102 as a notebook does
        if last is not None:
            value = eval(
                compile(ast.Expression(last.value), "cell", "eval"), vars(room)
            )
            if hasattr(value, "_repr_png_"):
                pictures.append(value._repr_png_())
    return pictures


@pytest.mark.full
def test_a_first_run_as_a_notebook(tmp_path, monkeypatch, capsys):
    """With few rounds."""
    monkeypatch.chdir(tmp_path)
    text = (FOLDER / "first_run.py").read_text()
    short = text.replace('"train.steps": 2000', '"train.steps": 20, "devices": 1')
    assert short != text
    pictures = shown(short, monkeypatch)
    assert [picture[:4] for picture in pictures] == [b"\x89PNG"] * 2
    assert "after 20 rounds" in capsys.readouterr().out


def test_a_cell_that_is_run_again_defines_its_part_anew(monkeypatch):
    cell = "# %%\nimport genlab\n@genlab.register.objective\ndef of_a_cell(x):\n    return {}\n"
    for _ in range(2):
        shown(cell, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_both_ways(name, tmp_path, monkeypatch):
    """As a notebook, where the script left its finished runs; each shows a picture."""
    hurried = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, FOLDER / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, **hurried},
        check=True,
    )
    monkeypatch.chdir(tmp_path)
    text = (FOLDER / f"{name}.py").read_text()
    assert all(shown(text, monkeypatch))
