"""A run and its data: used without them, found again elsewhere, noticed where they changed."""

import dataclasses
import json
import time

import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.data.facts import facts_of, without_examples
from genlab.data.fingerprint import check_same, fingerprint
from genlab.errors import InputError
from genlab.registry import datasets
from genlab.run.course import load_run
from genlab.training.train import train

Image = pytest.importorskip("PIL.Image")

COMMAND = "launch.py"
CLASSIFIER = str(recipes.CONFIGS / "classifier.py") + ":tiny"
SMALL = ("--config.data.image_size=8", "--config.data.channels=1")


def fill(place, count=24, seed=0):
    """Images of two classes, noise of 8 x 8 pixels."""
    generator = np.random.default_rng(seed)
    for label in "ab":
        (place / label).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = generator.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(place / label / f"{i:03d}.png")
    return place


def command(*arguments):
    return main([COMMAND, *arguments])


def resume(run, place, *more):
    name = f"--config.data.name=folder:{place}"
    return command(f"--config={CLASSIFIER}", f"--workdir={run}", name, *SMALL, *more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on a folder of images, and the folder."""
    place = fill(tmp_path_factory.mktemp("data") / "images")
    run = tmp_path_factory.mktemp("runs") / "run"
    assert resume(run, place) == 0
    return run, place


@pytest.fixture
def moved(trained):
    """The run's data gone to another place, and back afterwards."""
    _, place = trained
    elsewhere = place.with_name("elsewhere")
    place.rename(elsewhere)
    yield elsewhere
    elsewhere.rename(place)


def last_line(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_run_is_used_without_its_data(trained, moved, tmp_path, capsys):
    run, _ = trained
    assert command("report", f"--workdir={run}") == 0
    out = tmp_path / "weights.safetensors"
    assert command("export", f"--workdir={run}", f"--out={out}") == 0
    recipe, _ = load_run(run)
    assert recipe.data.class_names == ("a", "b")
    assert recipe.data.example_shape == (8, 8, 1)
    assert {
        name: split.size for name, split in recipe.data.splits.items()
    } == json.loads((run / "config.json").read_text())["data"]["facts"]["splits"]
    with pytest.raises(InputError, match="needs examples of 'folder:images'"):
        recipe.data.splits["test"].gather(np.arange(1))
    assert command("eval", f"--workdir={run}") == 2
    assert "no folder" in last_line(capsys)
    name = f"--config.data.name=folder:{moved}"
    assert command("eval", f"--workdir={run}", name) == 0
    assert command("eval", f"--workdir={run}", "--config.seed=3") == 2
    assert resume(run, moved) == 0
    assert command("eval", f"--workdir={run}") == 0
    assert json.loads((run / "config.json").read_text())["config"]["data"]["name"] == (
        f"folder:{moved}"
    )


def test_changed_files_are_noticed(trained, capsys):
    run, place = trained
    assert resume(run, place) == 0  # wherever the data were before
    file = place / "a" / "003.png"
    content = file.read_bytes()
    pixels = 255 - np.asarray(Image.open(file))
    fresh = place / "b" / "999.png"

    def noticed(message):
        for go_on in (
            lambda: resume(run, place),
            lambda: command("eval", f"--workdir={run}"),
        ):
            assert go_on() == 2
            assert message in last_line(capsys)

    Image.fromarray(pixels).save(file)
    noticed("1 of 48 files changed, first a/003.png; put the data back")
    file.unlink()
    noticed("1 of 48 files gone, first a/003.png")
    (place / "b" / "x3.png").write_bytes(content)
    noticed("1 of 48 files gone, first a/003.png, 1 of 48 files new, first b/x3.png")
    (place / "b" / "x3.png").unlink()
    file.write_bytes(content)
    fresh.write_bytes(content)
    noticed("1 of 48 files new, first b/999.png")
    fresh.unlink()
    assert resume(run, place) == 0


def test_changed_arrays_are_noticed():
    data = datasets.build("toy2d", size=50)()
    before = json.loads(json.dumps(fingerprint(data)))
    check_same(before, datasets.build("toy2d", size=50)(), run="run")
    other = datasets.build("toy2d", size=50)()
    label = other.splits["train"].arrays["label"]
    label[:] = label[::-1].copy()
    with pytest.raises(InputError, match="1 of 6 arrays changed, first train/label"):
        check_same(before, other, run="run")
    with pytest.raises(InputError, match="read from files and is now from arrays"):
        check_same({"of": "files"}, other, run="run")


def test_rendered_images_have_the_version_of_what_draws_them():
    """A digest that moves says to raise VERSION in shapes.py: old runs then refuse to go on."""
    data = datasets.build("shapes", image_size=16)()
    assert fingerprint(data)["parts"]["test"] == "rendered 56714 version 1"
    x = data.splits["test"].gather(np.arange(0, 56_000, 8000))["x"]
    drawn = [6.469, 12.512, 24.898, 7.305, 15.785, 5.734, 14.418]
    np.testing.assert_allclose(x.mean((1, 2, 3)), drawn, atol=0.001)


def test_facts_make_the_data_set_again():
    for name in ("digits", "toy2d", "shapes", "shape_pairs"):
        data = datasets.build(name)()
        mean = np.arange(np.prod(data.example_shape), dtype=np.float32)
        mean = mean.reshape(data.example_shape)
        facts = json.loads(json.dumps(facts_of(data, (-1.0, 1.0), mean)))
        again = without_examples(facts)
        for field in ("name", "example_shape", "num_classes", "class_names", "factors",
                      "target_shape", "paired", "mode_std"):  # fmt: skip
            assert getattr(again, field) == getattr(data, field)
        np.testing.assert_array_equal(again.splits["train"].mean, mean)
        for wrong in ({}, {**facts, "example_shape": [-1]}, {**facts, "splits": 3}):
            with pytest.raises(InputError, match="does not say what an example is"):
                without_examples(wrong)


def test_facts_of_a_data_set_that_speaks_numpy():
    data = dataclasses.replace(
        datasets.build("toy2d", size=50)(),
        num_classes=np.int64(8),
        example_shape=(np.int64(2),),
        mode_std=np.float32(0.5),
        modes=[[0.0, 1.0]],
        factors={"radius": np.int32(2)},
        left_out={".txt": np.uint8(1)},
    )
    again = without_examples(json.loads(json.dumps(facts_of(data, None, None))))
    assert again.example_shape == (2,) and again.factors == {"radius": 2}
    assert again.num_classes == 8 and again.mode_std == 0.5


@pytest.mark.full
def test_a_run_from_another_needs_no_data_of_it(trained, moved, tmp_path):
    run, _ = trained
    config = recipes.plain("classifier", data__image_size="8")
    config["init_from"] = str(run)
    shapes = json.loads((run / "config.json").read_text())["parameters"]
    part = next(name for name in shapes if "head" not in name).rpartition("/")[0]
    config["start"] = {"name": "copy", "parts": {part: f"init/{part}"}}
    train(config, tmp_path / "next", {})


def test_a_run_older_than_fingerprints_goes_on(trained, tmp_path, capsys):
    """Where its data have folders for their splits; else its held-out files would be others."""
    run, place = trained
    assert resume(run, place) == 0  # wherever the data were before
    path = run / "config.json"
    whole = path.read_text()
    record = json.loads(whole)
    del record["data"]
    path.write_text(json.dumps(record))
    for go_on in (
        lambda: resume(run, place),
        lambda: command("eval", f"--workdir={run}"),
    ):
        assert go_on() == 2
        assert "older than splits by file name" in last_line(capsys)
    load_run(run)
    for seed, split in enumerate(("train", "val", "test")):
        fill(tmp_path / "own" / split, seed=seed)
    record["config"]["data"]["name"] = f"folder:{tmp_path / 'own'}"
    path.write_text(json.dumps(record))
    assert resume(run, tmp_path / "own") == 0
    assert "fingerprint" in json.loads(path.read_text())["data"]
    path.write_text(whole)


def test_a_fingerprint_costs_little():
    """Not a measurement: far above what it takes, far below what would be felt."""
    data = datasets.build("digits")()
    began = time.perf_counter()
    fingerprint(data)
    assert time.perf_counter() - began < 1
