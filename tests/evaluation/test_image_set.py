"""Images of whatever program, measured against data, without a run."""

import json

import numpy as np
import pytest
from PIL import Image

from genlab.commands.cli import main
from genlab.data.digits import digits
from genlab.errors import InputError
from genlab.evaluation.image_set import ImageSet, read_images

FEATURES = {"features": "digits_classifier", "num": 60}


@pytest.fixture(scope="module")
def reference():
    return digits()


@pytest.fixture(scope="module")
def place(reference, tmp_path_factory):
    """The first 60 training digits, as image files and as an array."""
    home = tmp_path_factory.mktemp("images")
    images = reference.splits["train"].arrays["x"][:60]
    np.savez(home / "digits.npz", images)
    (home / "folder").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(home / "folder" / f"{number:02}.png")
    return home


def values_of(path, reference, *chosen):
    found = ImageSet(read_images(path), reference).measured(chosen)
    return {name: found["metrics"][name]["values"] for name in found["metrics"]}


def test_a_folder_and_an_array_are_the_same_images(place, reference):
    parts = [{"name": "frechet", **FEATURES}, {"name": "kid", **FEATURES}]
    folder = values_of(place / "folder", reference, *parts)
    assert folder == values_of(place / "digits.npz", reference, *parts)


def test_images_of_the_reference_itself_are_at_no_distance(
    place, reference, tmp_path, capsys
):
    """By the command, which writes what it prints."""
    train = reference.splits["train"].arrays["x"]
    np.savez(tmp_path / "all.npz", images=train)
    part = str({"name": "frechet", "features": "digits_classifier"})
    out = tmp_path / "found.json"
    flags = [f"--images={tmp_path}/all.npz", "--reference=digits", f"--out={out}"]
    assert main(["genlab", "eval", *flags, f"--metrics=({part},)"]) == 0
    record = json.loads(out.read_text())
    assert record == json.loads(capsys.readouterr().out)
    values = record["metrics"]["frechet"]["values"]
    assert (
        abs(values["frechet_digits_classifier"])
        < 1e-6
        < values["frechet_digits_classifier_floor"]
    )
    assert record["images"]["count"] == len(train)


def test_pixels_are_classified_as_those_of_a_model_are(place, reference):
    """The first sixty digits by the labels that they have."""
    chosen = {"name": "class_coverage", "num_train": 1000}
    found = values_of(place / "folder", reference, chosen)["class_coverage"]
    labels = reference.splits["train"].arrays["label"][:60]
    shares = np.bincount(labels, minlength=10) / 60
    assert np.abs([found[f"share_{k}"] - shares[k] for k in range(10)]).max() < 0.05


@pytest.mark.parametrize(
    ("images", "knobs", "metric", "told"),
    [
        ("none", {}, "frechet", "is no folder of images"),
        ("folder", {}, "posterior", "needs posterior"),
        (
            "folder",
            {},
            {"name": "frechet", "num": 61},
            "num=61, of 61 images, and .* has 60",
        ),
        ("folder", {"image_size": 16}, "class_coverage", "only metrics in features"),
        ("splits", {}, "frechet", "has the splits train, test"),
        ("broken.npz", {}, "frechet", "not a whole .npz"),
    ],
)
def test_what_cannot_be_measured_is_refused(place, images, knobs, metric, told):
    for split in ("train", "test"):
        (place / "splits" / split).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(place / "splits" / split / "0.png")
    (place / "broken.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=told):
        values_of(place / images, digits(**knobs), metric)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "--workdir is needed"),
        (["--images=x"], "--images needs --reference"),
        (["--images=x", "--reference=digits"], "--images needs --metrics"),
        (["--workdir=x", "--reference=digits"], "--reference goes with --images"),
        (["--images=x", "--workdir=y"], "measured without a run"),
        (
            [
                "--images=x",
                "--reference={'name': 'digits', 'size': 1}",
                "--metrics=kid",
            ],
            "has no knob 'size'",
        ),
    ],
)
def test_flags_that_do_not_go_together(flags, told, capsys):
    assert main(["genlab", "eval", *flags]) == 2
    assert told in capsys.readouterr().err
