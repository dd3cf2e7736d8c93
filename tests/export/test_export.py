"""What `launch.py export` writes: variables that are read back bit for bit, a folder, a sampler."""

import json
import shutil
from pathlib import Path

import jax
import jax.export
import numpy as np
import pytest
import recipes
import yaml
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

import genlab
from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.export.hub import write_hub_folder
from genlab.export.parameters import write_params
from genlab.export.sampler import PLATFORMS, key_of
from genlab.game import rng
from genlab.models.dcgan import DcganGenerator
from genlab.run.course import load_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished tiny DCGAN, which has batch statistics and an EMA."""
    workdir = tmp_path_factory.mktemp("runs") / "dcgan"
    config = f"--config={recipes.CONFIGS}/dcgan.py:tiny"
    arguments = [config, f"--workdir={workdir}", "--config.devices=1"]
    assert main(["launch.py", *arguments]) == 0
    return workdir


@pytest.fixture(scope="module")
def trained(finished):
    recipe, state = load_run(finished)
    return recipe.trained(state)


def export(workdir, *flags) -> int:
    return main(["launch.py", "export", f"--workdir={workdir}", *flags])


def test_dcgan_lives_on_without_its_folder(finished, trained, tmp_path):
    """Its generator alone, built by hand, draws bit for bit what the run drew."""
    drawn, copy = trained.sample(6), tmp_path / "copy"
    shutil.copytree(finished, copy)
    file = tmp_path / "dcgan.safetensors"
    assert export(copy, f"--out={file}") == 0
    shutil.rmtree(copy)
    with safe_open(file, "numpy") as opened:
        facts = opened.metadata()
    config = json.loads(facts["config"])
    assert (facts["genlab"], facts["step"]) == (genlab.__version__, "8")
    assert json.loads(facts["ema"]) == ["generator"]

    params, extra = genlab.load_params(file)
    knobs = dict(config["model"]["generator"])
    assert knobs.pop("name") == "dcgan_generator"
    module = DcganGenerator(image_shape=(8, 8, 1), **knobs)
    variables = {"params": params["generator"]["generator"]}
    variables["batch_stats"] = extra["batch_stats"]["generator"]

    @jax.jit
    def sample(variables, key):
        z = rng.normal(key, (128, config["experiment"]["latent_dim"]))
        return module.apply(variables, z, train=False)

    key = jax.random.fold_in(rng.fold(jax.random.key(config["seed"]), "sample"), 0)
    np.testing.assert_array_equal(sample(variables, key)[:6], drawn)


@pytest.mark.parametrize("name", recipes.representatives())
def test_variables_of_every_game_are_read_back(name, tmp_path):
    recipe = recipes.recipe(name)
    blank = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), recipe.shapes())
    model = recipe.trained(blank)
    write_params(tmp_path / "a.safetensors", model, recipe.config)
    found = genlab.load_params(tmp_path / "a.safetensors")
    recipes.assert_identical(found, jax.device_get((model.params, model.extra)))
    assert jax.tree.structure(found) == jax.tree.structure((model.params, model.extra))


def test_folder_for_a_hub(finished, tmp_path):
    out = tmp_path / "model"
    assert export(finished, "--hub", f"--out={out}") == 0
    names = {"README.md", "config.json", "model.safetensors", "samples.png"}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "config.json").read_text())["ema"] == ["generator"]
    Image.open(out / "samples.png").verify()
    genlab.load_params(out / "model.safetensors")
    _, front, page = (out / "README.md").read_text().split("---\n", 2)
    front = yaml.safe_load(front)
    assert front["library_name"] == "genlab" and "gan" in front["tags"]
    assert front["pipeline_tag"] == "unconditional-image-generation"
    results = json.loads((finished / "results.json").read_text())["metrics"]
    (index,) = front["model-index"][0]["results"]
    listed = {entry["name"]: entry["value"] for entry in index["metrics"]}
    for metric, found in results.items():
        for name, value in found["values"].items():
            assert listed[f"{metric}/{name}"] == value
            (row,) = [row for row in page.splitlines() if f"{metric}/{name} |" in row]
            for key, setting in found["protocol"].items():
                assert f"{key} {setting}" in row.replace("\\", "")
    # Nothing is written over.
    assert export(finished, "--hub", f"--out={out}") == 2


def test_nobody_learns_where_files_lay(finished, trained, tmp_path):
    config = json.loads((finished / "config.json").read_text())["config"]
    places = {"name": "folder:/home/me/my cats", "data_dir": "/home/me/tfds"}
    config |= {"data": {**config["data"], **places}, "init_from": "/home/me/runs/old"}
    config["experiment"]["regularizer"] = {"name": "mine:r", "files": ["/home/me/a"]}
    out = tmp_path / "model"
    write_hub_folder(out, finished, trained, config, "results.json")
    with safe_open(out / "model.safetensors", "numpy") as opened:
        told = json.loads(opened.metadata()["config"])
    assert told == json.loads((out / "config.json").read_text())["config"]
    assert told["data"]["name"] == "folder:my cats" and told["init_from"] == "old"
    assert told["model"] == config["model"] and told["data"]["data_dir"] == "tfds"
    for file in out.iterdir():
        assert b"/home/me" not in file.read_bytes(), file.name
    assert "on the data `folder:my cats`" in (out / "README.md").read_text()


def test_sampler_is_a_program_of_its_own(finished, trained, tmp_path):
    out = tmp_path / "sampler.stablehlo"
    assert export(finished, "--stablehlo", "--num=130", f"--out={out}") == 0
    assert str(Path(genlab.__file__).parent).encode() not in out.read_bytes()
    program = jax.export.deserialize(bytearray(out.read_bytes()))
    assert program.platforms == PLATFORMS
    drawn = program.call(key_of(trained))
    np.testing.assert_allclose(drawn, trained.sample(130), atol=1e-5)
    other = program.call(key_of(trained, seed=1))
    np.testing.assert_allclose(other, trained.sample(130, seed=1), atol=1e-5)
    assert np.abs(other - drawn).max() > 0.01


@pytest.mark.full
def test_sampler_of_steps_of_its_own_is_a_program_too(tmp_path):
    """Up to the tolerance of the steps, whose length goes by all samples of a call."""
    workdir, out = tmp_path / "run", tmp_path / "sampler.stablehlo"
    config = f"--config={recipes.CONFIGS}/flow_matching.py:tiny"
    chosen = "--config.experiment.sampler={'name': 'adaptive', 'relative': 1e-5, 'absolute': 1e-5}"
    arguments = [config, f"--workdir={workdir}", "--config.devices=1", chosen]
    assert main(["launch.py", *arguments]) == 0
    assert export(workdir, "--stablehlo", "--num=10", f"--out={out}") == 0
    program = jax.export.deserialize(bytearray(out.read_bytes()))
    recipe, state = load_run(workdir)
    model = recipe.trained(state)
    drawn = program.call(key_of(model))
    np.testing.assert_allclose(drawn, model.sample(10), atol=1e-3)
    assert drawn.std() > 0.1


def test_mistakes_are_answered_in_one_line(finished, tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "README.md").write_text("mine")
    for flags, answer in (
        (["--hub", "--stablehlo"], "choose one"),
        (["--hub"], "--out=FOLDER names it"),
        (["--hub", f"--out={taken}"], "holds something"),
        (["--hub", f"--out={tmp_path / 'no' / 'such'}"], "there is no folder"),
        (["--num=3"], "is read with --stablehlo alone"),
        (["--stablehlo", "--num=0"], "num"),
        (["--stablehlo", "--out=a.png"], "must end in .stablehlo"),
        (["--out=a.stablehlo"], "must end in .safetensors"),
    ):
        assert export(finished, *flags) == 2, flags
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("genlab: error: ") and answer in line
    assert (taken / "README.md").read_text() == "mine"


def test_files_of_others_are_refused(tmp_path):
    other = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3)}, other)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(other.read_bytes()[:-4])
    for path in (other, broken, tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="^[^\n]*$"):
            genlab.load_params(path)
