"""A run from Python: trained, gone on with, opened, sampled, measured, drawn."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
import recipes

import genlab
from genlab.commands.cli import main
from genlab.data.facts import AbsentSplit
from genlab.data.prepare import Preparation
from genlab.errors import InputError
from genlab.run.course import load_run
from genlab.run.folder import locked
from genlab.storage.checkpoint import Checkpoints

ROOT = Path(__file__).parents[2]
ONE = {"devices": 1}


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    """A trained tiny VAE."""
    workdir = tmp_path_factory.mktemp("runs") / "vae"
    return genlab.load("configs/vae.py:tiny", ONE, workdir=workdir).train()


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    """A trained tiny DCGAN, which has batch statistics."""
    workdir = tmp_path_factory.mktemp("runs") / "dcgan"
    return genlab.load("configs/dcgan.py:tiny", ONE, workdir=workdir).train()


def test_a_trained_run_answers(vae):
    assert (vae.step, vae.params.keys(), vae.extra) == (8, {"vae"}, {})
    assert vae.config["experiment"]["latent_dim"] == 3
    x = vae.trained.preparation(
        vae.data.splits["test"].gather(np.arange(5)), jax.random.key(0), False
    )["x"]
    z = vae.encode(x)
    assert z.shape == (5, 3)
    np.testing.assert_allclose(vae.reconstruct(x), vae.decode(z), atol=1e-6)
    bytes_of_x = np.asarray(x * 255, np.uint8)
    np.testing.assert_array_equal(vae.encode(bytes_of_x), z)
    assert {line["split"] for line in vae.history} >= {"train", "validation"}


def test_examples_are_read_for_the_state_that_was_opened(vae):
    with mock.patch.object(
        Checkpoints, "restore", autospec=True, side_effect=Checkpoints.restore
    ) as loaded:
        run = genlab.open(vae.workdir)
        run.plot("samples")
        assert isinstance(run.trained.data.splits["test"], AbsentSplit)
        drawn = run.plot("reconstructions", num=4)
    assert loaded.call_count == 1
    np.testing.assert_array_equal(drawn, vae.plot("reconstructions", num=4))
    assert run.trained.data.splits["test"].gather(np.arange(1))


def test_samples_are_those_of_the_command(vae, tmp_path):
    out = tmp_path / "samples.npz"
    command = ["sample", f"--workdir={vae.workdir}", "--num=5", f"--out={out}"]
    assert main(["launch.py", *command]) == 0
    five = vae.sample(5)
    np.testing.assert_array_equal(np.load(out)["samples"], five)
    np.testing.assert_array_equal(vae.sample(3), five[:3])
    others = vae.sample(5, seed=1)
    assert np.abs(others - five).max() > 1e-3
    np.testing.assert_array_equal(vae.sample(5, seed=1), others)


def test_measurements_have_intervals_and_protocols(vae):
    (held_out,) = vae.measure().values()
    assert held_out.protocol["split"] == "test"
    low, high = held_out.intervals["negative_elbo"]
    assert low < held_out.values["negative_elbo"] < high
    kept = vae.results["held_out"]
    assert kept.values == pytest.approx(held_out.values)
    assert kept.protocol == held_out.protocol
    found = vae.measure(dict(name="posterior", num=20), split="validation")
    assert found.keys() == {"held_out", "posterior"}
    assert found["held_out"].protocol["split"] == "validation"


def test_pictures_show_themselves(vae, tmp_path):
    picture = vae.plot("samples", num=4)
    assert picture.dtype == np.uint8 and picture.shape == (22, 22, 3)
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert picture[0]._repr_png_() is None
    picture.save(tmp_path / "samples.png")
    assert (tmp_path / "samples.png").exists()
    assert vae.plot("reconstructions", num=4).ndim == 3  # which needs examples


def test_a_picture_of_samples_needs_no_data(vae, tmp_path, monkeypatch):
    opened = genlab.open(vae.workdir, data={"name": f"npz:{tmp_path / 'none.npz'}"})
    np.testing.assert_array_equal(opened.plot("samples"), vae.plot("samples"))
    np.testing.assert_array_equal(opened.sample(2), vae.sample(2))
    with pytest.raises(InputError, match="none.npz"):
        opened.plot("reconstructions")


def test_what_goes_in_is_checked(vae, gan):
    blank = np.zeros((2, 8, 8, 1), np.float32)
    for ask, answer in (
        (lambda: vae.encode(blank[0]), r"\[N, 8, 8, 1\]; x\[None\] is a batch of one"),
        (lambda: vae.encode(blank[:, :4]), r"x has shape \[2, 4, 8, 1\]"),
        (lambda: vae.encode(blank[:0]), r"x has shape \[0, 8, 8, 1\]"),
        (lambda: vae.encode(blank + 2), r"from 2 to 2; this model takes \[0, 1\]"),
        (lambda: vae.encode(blank * np.nan), "x holds a value that is not finite"),
        (lambda: vae.encode("digits"), "x is no array of numbers, but a str"),
        (lambda: vae.decode(np.zeros((2, 4))), r"codes of this model are \[N, 3\]"),
        (lambda: gan.decode(np.zeros(8)), r"codes of this model are \[N, 8\]"),
        (
            lambda: gan.encode(blank),
            "'gan' does not encode; it has sample, sample_classes, features, decode",
        ),
        (lambda: gan.reconstruct(blank), "'gan' does not reconstruct"),
        (lambda: vae.translate(blank), "'vae' does not translate"),
        (lambda: gan.measure("posterior"), "'posterior' needs"),
        (lambda: vae.measure("fide"), "unknown metric 'fide'"),
        (lambda: vae.measure(split="tset"), "did you mean 'test'"),
        (lambda: vae.measure("posterior", "posterior"), "twice"),
        (lambda: vae.plot("sample"), "unknown plot 'sample'; did you mean 'samples'"),
        (lambda: vae.plot("samples", nun=3), "has no knob 'nun'"),
        (lambda: vae.plot("samples", num=0), "num=0"),
        (lambda: vae.sample(0), "num=0 is no whole number of 1 or more"),
        (lambda: vae.sample(2.0), "num=2.0 is no whole number"),
        (lambda: vae.sample(2, seed=-1), "seed=-1 is no whole number of 0 or more"),
        (lambda: vae.sample(2, label=3), "samples of a class need a network"),
        (lambda: vae.encode(blank, label=3), "label=3: encode of 'vae' takes none"),
        (lambda: vae.train(steps=0), "train.steps"),
        (lambda: genlab.load("configs/vay.py"), "did you mean 'configs/vae.py'"),
        (lambda: genlab.load("configs/vae.py", {"seeds": 1}), "no key 'seeds'"),
        (lambda: genlab.load("configs/vae.py", {"objective": "elbow"}), "'elbow'"),
        (lambda: genlab.load("configs/vae.py", {"seed": object()}), "no override says"),
        (lambda: genlab.load(genlab.base_config()), "needs workdir="),
        (lambda: genlab.open(vae.workdir / "none"), "is not a run folder"),
        (lambda: genlab.open(vae.workdir, data={"seed": 1}), "'seed' is no place"),
    ):
        with pytest.raises(InputError, match=answer) as caught:
            ask()
        assert "\n" not in str(caught.value)


class Classes:
    """A family that knows classes and nothing else: near the class's number."""

    def view(self, state):
        return state.params, state.extra

    def sample_classes(self, params, extra, label, key):
        return label[:, None] + 0.1 * genlab.rng.normal(key, (len(label), 2))


def test_samples_of_a_class(tmp_path):
    """By index, by name, or one for each sample; a prefix of more is fewer."""
    x = np.zeros((30, 2), np.float32)
    parts = {"train": {"x": x, "label": np.arange(30, dtype=np.int32) % 3}}
    splits = genlab.array_splits(parts, validation_fraction=0.1, test_fraction=0.1)
    data = genlab.Dataset("three", splits, (2,), 3, class_names=("a", "b", "c"))
    state = genlab.State(0, {}, {}, {})
    run = genlab.Run(tmp_path, {"experiment": {"name": "classes"}}, {})
    run._views[False] = genlab.Trained(Classes(), state, data, Preparation(), 0)
    many = run.sample(200, label="b")
    assert many.shape == (200, 2)
    np.testing.assert_allclose(many, 1, atol=0.5)
    np.testing.assert_array_equal(run.sample(150, label=1), many[:150])
    assert np.abs(run.sample(200, label="b", seed=1) - many).max() > 0
    mixed = run.sample(3, label=[2, 1, 0])
    np.testing.assert_allclose(mixed[:, 0], [2, 1, 0], atol=0.5)
    for label, answer in (
        (3, "has 3 classes, a, b, c"),
        (1.0, "has 3 classes"),
        ("d", "has 3 classes, a, b, c"),
        ([1], "1 labels for 2 examples"),
    ):
        with pytest.raises(InputError, match=answer):
            run.sample(2, label=label)
    with pytest.raises(
        InputError, match="'Classes' does not sample; it has sample_classes"
    ):
        run.sample(2)


def test_training_goes_on_exactly(vae, tmp_path):
    """In two parts, the second by the folder alone: bit for bit the run in one."""
    config, workdir = "configs/vae.py:tiny", tmp_path / "run"
    first = genlab.load(config, {**ONE, "train.steps": 4}, workdir=workdir)
    with pytest.raises(InputError, match="holds no run yet; run.train"):
        first.sample(1)
    assert first.train().step == 4
    second = genlab.open(workdir)
    assert second.step == 4
    assert second.train(steps=8).step == 8
    recipes.assert_identical(second.params, vae.params)
    record = json.loads((workdir / "config.json").read_text())
    assert record["overrides"] == {"devices": 1, "train.steps": 8}
    # A config that no run in the folder can go on with is refused before anything else.
    with pytest.raises(InputError, match="was made with seed=0, not 1"):
        genlab.load(config, {**ONE, "seed": 1}, workdir=workdir)


def test_the_safety_of_the_commands_holds(vae, tmp_path, caplog):
    """A folder in use is not written; a damaged checkpoint is passed over by name."""
    copy = tmp_path / "copy"
    shutil.copytree(vae.workdir, copy)
    with locked(copy), pytest.raises(InputError, match="in use by another process"):
        genlab.open(copy).train(steps=16)
    for file in (copy / "checkpoints" / "00000008").rglob("*"):
        if file.is_file() and file.name != "manifest.json":
            file.write_bytes(file.read_bytes()[:-1])
    assert genlab.open(copy).step == 4
    assert "00000008 is damaged" in caplog.text
    assert (
        genlab.open(vae.workdir, best=True).step == load_run(vae.workdir, True)[1].step
    )


STRANGER = """
from pathlib import Path
Path("ran").touch()

def loss(reconstruction, kl, *, beta=1.0):
    return {"reconstruction": reconstruction, "kl": beta * kl}
"""


def test_parts_of_strangers_are_not_imported(vae, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(vae.workdir, copy)
    record = json.loads((copy / "config.json").read_text())
    record["config"]["objective"] = {"name": "stranger:loss"}
    (copy / "config.json").write_text(json.dumps(record))
    (tmp_path / "stranger.py").write_text(STRANGER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(InputError, match="trust=True where the run is opened allows"):
        genlab.open(copy)
    assert not Path("ran").exists()
    np.testing.assert_array_equal(
        genlab.open(copy, trust=True).sample(2), vae.sample(2)
    )
    assert Path("ran").exists()


def test_parts_of_ones_own_in_overrides(tmp_path, registries):
    """A config made in Python, a loss that a decorator names, a dict in the place of a part."""

    def capped(reconstruction, kl, *, most: genlab.NonNegative = 1.0):
        return {"reconstruction": reconstruction, "kl": jax.numpy.minimum(kl, most)}

    genlab.register.objective(capped, name="capped_for_a_test")
    chosen = {"objective": dict(name="capped_for_a_test", most=0.5), **ONE}
    chosen |= {"model": {"encoder": dict(name="mlp_encoder", hidden=(4,))}}
    chosen |= {"data": dict(name="digits", image_size=8)}  # prepared as before
    run = genlab.load("configs/vae.py:tiny", chosen, workdir=tmp_path / "run")
    assert run.config["objective"] == {"name": "capped_for_a_test", "most": 0.5}
    assert run.config["model"]["encoder"]["hidden"] == [4]
    assert run.config["model"]["decoder"]["hidden"] == [16]
    assert run.config["data"]["image_size"] == 8
    assert run.config["data"]["binarize"] == "dynamic"
    schedule = dict(name="linear", value=2.0, begin=0, steps=4, end=0.5)
    chosen = {"objective.beta": schedule, "seed": np.int64(3)}
    scheduled = genlab.load("configs/vae.py:tiny", chosen, workdir=tmp_path / "none")
    assert scheduled.config["objective"] == {"name": "elbo", "beta": schedule}
    config = genlab.base_config()
    with pytest.raises(InputError, match="experiment"):
        genlab.load(config, workdir=tmp_path / "none")
    with pytest.raises(InputError, match="most=-1"):
        genlab.load(
            "configs/vae.py", {"objective": dict(name="capped_for_a_test", most=-1.0)}
        )


def test_configs_of_genlab_are_found_from_anywhere(tmp_path):
    """Also beside a folder of the same name, and `import genlab` costs no JAX."""
    (tmp_path / "configs").mkdir()
    code = (
        "import sys, genlab\n"
        "assert 'jax' not in sys.modules and 'numpy' not in sys.modules\n"
        "print(genlab.load('configs/vae.py:tiny').config['experiment']['name'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "vae"), done.stderr
