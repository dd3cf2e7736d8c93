"""The installed package: a wheel in an empty folder, beside a user's own `configs` and `experiments`."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import genlab
from genlab import shipped

ROOT = Path(__file__).parent.parent
TREE = ("genlab", "configs", "experiments", "README.md", "LICENSE")
CONFIG = """
import experiments
from configs import vae
from genlab.shipped.configs import dcgan

def get_config(variant=""):
    config = dcgan.get_config("tiny")
    config.seed = vae.SEED + experiments.SEED
    return config
"""


def test_in_a_checkout_recipes_lie_at_the_top(monkeypatch):
    assert ROOT == shipped.HOME
    assert shipped.install("ray") == f"pip install -e '{ROOT}[ray]'"
    monkeypatch.setattr(shipped, "HOME", shipped._HERE)
    assert shipped.install("ray") == "pip install 'genlab[ray]'"


def test_version_to_cite_is_the_version():
    assert f"\nversion: {genlab.__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.fixture
def wheel(tmp_path):
    """The wheel of this tree, built from a copy, where what was built before is not."""
    source = tmp_path / "source"
    source.mkdir()
    for name in (*TREE, "pyproject.toml", "setup.py"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    flags = [
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        f"--wheel-dir={tmp_path}",
    ]
    subprocess.run([*pip, "wheel", *flags, str(source)], check=True)
    shutil.rmtree(source)
    (found,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", f"--target={target}", str(found)],
        check=True,
    )
    return found


@pytest.mark.full
def test_wheel_trains_and_evaluates_in_an_empty_folder(wheel, tmp_path):
    names = zipfile.ZipFile(wheel).namelist()
    info = f"genlab-{genlab.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"genlab", info}
    assert not [name for name in names if "/tests/" in name or "__pycache__" in name]
    here = tmp_path / "here"
    for name in ("experiments", "configs"):
        (here / name).mkdir(parents=True)
        (here / name / "__init__.py").write_text("SEED = 3\n")
    (here / "configs" / "vae.py").write_text("SEED = 4\n")
    (here / "my.py").write_text(CONFIG)

    def run(*arguments):
        """The command that the wheel has installed, in the place of the checkout's."""
        command = [sys.executable, "-P", str(tmp_path / "site/bin/genlab"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
        done = subprocess.run(
            command,
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("--config=dcgan:tiny")
    assert "class_coverage" in run("eval", "--workdir=runs/dcgan-tiny")
    run("--config=my.py", "--workdir=runs/mine", "--config.eval.metrics=()")
    # What one form has written the other reads.
    assert genlab.open(here / "runs/dcgan-tiny").sample(2).shape == (2, 8, 8, 1)
    mine = genlab.open(here / "runs/mine")
    assert mine.config["seed"] == 7
    assert str(ROOT) not in (here / "runs/mine/config.json").read_text()
