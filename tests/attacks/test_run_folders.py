"""A run folder from elsewhere is data: whatever part of its own it names, no code of it runs."""

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import recipes
from ml_collections import FieldReference
from ml_collections.config_dict import placeholder

from genlab import trust
from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.registry import objectives
from genlab.run.course import load_run

ROOT = Path(__file__).parent.parent.parent
VAE = f"--config={recipes.CONFIGS}/vae.py:tiny"
PLANTED = """
from pathlib import Path
Path({marker!r}).touch()

def part(*arrays, **knobs):
    raise AssertionError("called")

def loss(reconstruction, kl, *, beta=1.0):
    return {{"reconstruction": reconstruction, "kl": beta * kl}}
"""

# One config of every family, and the parts that none of them chooses.
FAMILIES = ("classifier", "cyclegan", "dbm", "dbn", "gan_ring", "pix2pix", "rbm", "vae")
UNCHOSEN = {
    "vae": {"data": {"augment": ["planted:part"]}},
    "classifier": {"data": {"augment": [{"name": "planted:part"}]}},
    "pix2pix": {"experiment": {"perceptual": {"name": "planted:part"}}},
    "cyclegan": {"experiment": {"identity": {"name": "planted:part"}}},
    "gan_ring": {"experiment": {"penalty": {"name": "planted:part"}}},
    "rbm": {"experiment": {"regularizer": {"name": "planted:part"}}},
    "dbm": {"eval": {"metrics": ["planted:part"]}},
    "dbn": {"sample": {"plots": ["planted:part"]}},
    "denoising_autoencoder": {"experiment": {"corruption": {"name": "planted:part"}}},
    "colorization": {"data": {"degrade": {"name": "planted:part"}}},
    "super_resolution": {"data": {"degrade": "planted:part"}},
    "autoencoder": {"eval": {"final_metrics": [{"name": "planted:part"}]}},
}


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder that a user went to, with a module in it; the file that tells of its import."""
    marker = tmp_path / "ran"
    (tmp_path / "planted.py").write_text(PLANTED.format(marker=str(marker)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield marker
    sys.modules.pop("planted", None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vae"
    assert main(["launch.py", VAE, f"--workdir={folder}", "--config.devices=1"]) == 0
    return folder


def foreign(finished, folder, changes):
    """A copy of a finished run whose config.json has other values, by dotted key."""
    shutil.copytree(finished, folder)
    record = json.loads((folder / "config.json").read_text())
    for key, value in changes.items():
        *path, last = key.split(".")
        home = record["config"]
        for step in path:
            home = home[step]
        home[last] = value
    (folder / "config.json").write_text(json.dumps(record))
    return folder


def parts(tree, path=()):
    """The paths of all dicts that choose a part by its name, of stages only the parts inside."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if isinstance(value, dict):
            if "name" in value and path != ("stages",):
                yield (*path, key)
            yield from parts(value, (*path, key))
        elif isinstance(value, list):
            yield from parts(value, (*path, key))


def test_no_position_of_a_config_imports_what_it_names(planted, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    tried = 0

    def refused(config, where):
        (folder / "config.json").write_text(json.dumps({"config": config}))
        with pytest.raises(
            InputError, match="'planted:part' is code that .*trust=True"
        ):
            load_run(folder)
        assert not planted.exists(), where

    for name in sorted({*FAMILIES, *UNCHOSEN}):
        plain = recipes.plain(name)
        for path in parts(plain) if name in FAMILIES else ():
            if path[-1] == "start":  # what a run took over is not asked for again
                continue
            config = copy.deepcopy(plain)
            home = config
            for step in path:
                home = home[step]
            home["name"] = "planted:part"
            refused(config, (name, path))
            tried += 1
        for section, changes in UNCHOSEN.get(name, {}).items():
            refused({**plain, section: {**plain[section], **changes}}, name)
            tried += 1
    assert tried > 60


COMMANDS = {
    "eval": (),
    "train": (),
    "sample": ("--out=grid.png",),
    "plot": ("--plots=samples",),
    "export": ("--out=params.safetensors",),
    "translate": ("--input=.", "--out=out"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_imports_what_a_run_folder_names(
    command, planted, finished, tmp_path, capsys
):
    folder = foreign(finished, tmp_path / "run", {"objective.name": "planted:loss"})
    flags = [f"--workdir={folder}", *COMMANDS[command]]
    assert main(["launch.py", command, *flags]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "objective 'planted:loss'" in line and "GENLAB_TRUST=planted" in line
    assert f"objective.name in '{folder}/config.json'" in line
    assert not planted.exists() and str(tmp_path) not in sys.path


def test_a_report_builds_nothing(planted, finished, tmp_path):
    folder = foreign(finished, tmp_path / "run", {"objective.name": "planted:loss"})
    assert main(["launch.py", "report", f"--workdir={folder}"]) == 0
    assert not planted.exists()


def test_runs_that_a_config_points_to_are_foreign_too(
    planted, finished, tmp_path, capsys
):
    folder = foreign(finished, tmp_path / "run", {"objective.name": "planted:loss"})
    stage = [{"name": "first", "objective": {"name": "planted:loss"}}]
    staged = foreign(finished, tmp_path / "staged", {"stages": stage})
    perceptual = {"name": "perceptual", "run": str(folder)}
    likelihood = {"experiment.likelihood": perceptual}
    points = foreign(finished, tmp_path / "points", likelihood)
    new = [VAE, "--workdir=new", "--config.devices=1"]
    copied = "--config.start.parts={'vae': 'init/vae'}"
    start = [*new, "--config.start=copy", copied]
    for arguments in (
        [*start, f"--config.init_from={folder}"],
        [*start, f"--config.init_from={staged}"],
        ["eval", f"--workdir={staged}"],
        [*new, f"--config.experiment.likelihood={perceptual}"],
    ):
        assert main(["launch.py", *arguments]) == 2, arguments
        assert "'planted:loss' is code that" in capsys.readouterr().err
        assert not planted.exists(), arguments
    # What can be measured without it is, and what cannot says why.
    assert main(["launch.py", "eval", f"--workdir={points}"]) == 1
    assert "'planted:loss' is code that" in capsys.readouterr().err
    assert not planted.exists()


def test_data_that_eval_is_told_of_are_vouched_for(finished, planted, tmp_path):
    folder = foreign(finished, tmp_path / "run", {})
    main(
        ["launch.py", "eval", f"--workdir={folder}", "--config.data.name=planted:part"]
    )
    assert planted.exists()


def test_a_place_called_like_a_part_vouches_for_none(planted, finished, tmp_path):
    folder = foreign(
        finished, tmp_path / "planted:loss", {"objective.name": "planted:loss"}
    )
    new = [VAE, "--workdir=new", f"--config.init_from={folder.name}"]
    assert main(["launch.py", *new]) == 2
    assert not planted.exists()


def test_what_the_user_vouches_for_is_imported(
    planted, finished, tmp_path, capsys, monkeypatch
):
    folder = foreign(finished, tmp_path / "run", {"objective.name": "planted:loss"})
    export = ["launch.py", "export", f"--workdir={folder}", "--out=p.safetensors"]
    assert main(export) == 2
    monkeypatch.setenv("GENLAB_TRUST", "other,, planted ")
    assert main(export) == 0 and planted.exists()
    monkeypatch.delenv("GENLAB_TRUST")
    # An import before does not vouch, and neither does what was said to another command.
    assert main(export) == 2
    assert main([*export, "--trust"]) == 0
    assert main(export) == 2


def test_a_command_that_names_its_part_goes_on_without_a_word(planted, tmp_path):
    named = ["--config.objective=planted:loss", "--config.devices=1"]
    train = ["launch.py", VAE, "--workdir=run", *named]
    assert main(train) == 0 and planted.exists()
    assert main(train) == 0
    Path("mine.py").write_text(
        "from genlab.shipped.configs import vae\n\n\ndef get_config(variant=''):\n"
        "    config = vae.get_config('tiny')\n"
        "    config.objective = dict(name='planted:loss')\n    return config\n"
    )
    assert main(["launch.py", "check", "--config=mine.py"]) == 0


def test_programs_of_ones_own_import_what_they_name_themselves(planted, tmp_path):
    assert callable(objectives.build("planted:loss")) and planted.exists()
    trust.distrust({"objective": "planted:part"}, tmp_path / "config.json")
    with pytest.raises(InputError, match="planted:part"):
        objectives.build("planted:part")
    link = FieldReference("planted:part")
    trust.vouch({"name": link, "scale": placeholder(float), "more": {"name": link}})
    objectives.find("planted:part")


@pytest.mark.parametrize(
    "name", ["os:system", "http.server:test", "subprocess:run", "builtins:exec"]
)
def test_no_part_is_pythons_own(name, planted, capsys):
    for arguments in (
        ["check", VAE, f"--config.objective={name}"],
        ["check", VAE, f"--config.eval.metrics={name}", "--trust"],
    ):
        assert main(["launch.py", *arguments]) == 2
        assert f"{name!r} is Python's own and no part" in capsys.readouterr().err


def test_optional_dependencies_are_not_taken_from_a_folder(finished, tmp_path):
    """Modules beside a run that a library may look for, in a process of its own."""
    marker = tmp_path / "ran"
    folder = foreign(finished, tmp_path / "run", {})
    for name in ("tensorflow", "torch", "sitecustomize", "experiments", "configs"):
        (tmp_path / f"{name}.py").write_text(PLANTED.format(marker=str(marker)))
    flags = [f"--workdir={folder}", "--out=params.safetensors"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), "export", *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists()
