"""The documentation: the site is built, and every command of its how-tos does what the page says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlab.commands.cli import main
from genlab.config import files
from genlab.config.load import load
from genlab.registry import REGISTRIES

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path.read_text() for path in (ROOT / "docs/how-to").glob("*.md")}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_how_to_is_found_from_readme_and_index():
    for page in (ROOT / "README.md", ROOT / "docs/index.md", ROOT / "mkdocs.yml"):
        named = set(re.findall(r"how-to/([\w-]+)\.md", page.read_text()))
        assert named == PAGES.keys(), page


def test_training_for_longer_goes_beyond_what_the_recipe_trains():
    steps = [int(found) for found in re.findall(r"train\.steps=(\d+)", PAGES["longer"])]
    assert load("vae").train.steps < steps[0] < steps[1]


@pytest.fixture(scope="module")
def tiny():
    """Recipes of genlab named without a variant are tiny ones, so that pages may speak of real ones."""
    split = files.split_variant
    names = [path.stem for path in files.recipes()]

    def tiny_split(path: str) -> tuple[str, str]:
        file, variant = split(path)
        return file, variant or ("tiny" if file in names else "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "split_variant", tiny_split)
        yield


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A working folder with a trained run and some photos."""
    home = tmp_path_factory.mktemp("home")
    (home / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (100, 36, 40, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(home / "photos" / f"{number}.png")
    shutil.copytree(home / "photos", home / "samples")  # of another program
    assert main(["genlab", "--config=vae", f"--workdir={home}/runs/vae"]) == 0
    return home


@pytest.mark.full
@pytest.mark.parametrize("page", sorted(PAGES))
def test_commands_of_a_how_to(page, folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = {}
    for kind, text in FENCE.findall(PAGES[page]):
        if kind == "sh":
            for line in text.splitlines():
                run(line, monkeypatch)
        elif written := re.match(r"# (\w+\.py)\n", text):
            Path(written[1]).write_text(text)
            sys.modules.pop(Path(written[1]).stem, None)  # of another test
        else:
            exec(text, names)  # noqa: S102


def run(line, monkeypatch):
    """A line of a shell, with a 250th of the rounds."""
    line = re.sub(r"(?<=steps=)\d+", lambda number: str(int(number[0]) // 250), line)
    words = shlex.split(line)
    while "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    if words[0] == "genlab":
        assert main(words) == 0, line
    else:
        subprocess.run(words, check=True)


@pytest.mark.full
def test_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {path.stem: path.read_text() for path in tmp_path.glob("reference/*.html")}
    assert pages.keys() >= {*REGISTRIES, "configs", "python", "extend"}
    assert "genlab.Experiment" in pages["extend"]
    assert "<td><code>width</code></td>" in pages["models"]
