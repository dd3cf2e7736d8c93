"""Prepared folders of TFDS from strangers: their features name no code."""

import json
import sys

import pytest
from data_cases import build, prepare_tfds

from genlab.errors import InputError

pytest.importorskip("tensorflow_datasets")

CODE = "from pathlib import Path\nPath('imported').touch()\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set that works, and a module that leaves a trace when it is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "planted.py").write_text(CODE)
    prepare_tfds(tmp_path, "things/1.0.0", {"train": range(6), "test": range(2)})
    knobs = {"data_dir": str(tmp_path), "image_size": 4}
    assert build("tfds:things", **knobs).splits["test"].size == 2
    return tmp_path


PLANTED = (
    {"pythonClassName": "planted.Image"},
    {"python_class_name": "planted.Image"},
    {"type": "planted.Image", "content": {}},
    {"pythonClassName": "tensorflow_datasets_planted.Image"},
    {"pythonClassName": 7},
)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_foreign_class_is_refused_before_it_is_imported(folder, planted):
    path = folder / "things" / "1.0.0" / "features.json"
    described = json.loads(path.read_text())
    described["featuresDict"]["features"]["image"] = planted
    path.write_text(json.dumps(described))
    for name in ("tfds:things", "tfds:things:1.0.0"):
        with pytest.raises(
            InputError, match=r"features.json names the class"
        ) as caught:
            build(name, data_dir=str(folder))
        assert "\n" not in str(caught.value)
    assert "planted" not in sys.modules and not (folder / "imported").exists()


@pytest.mark.parametrize("default", [".hid", "../else", "/else", 7, "1.0.0/.hid"])
def test_a_foreign_class_is_refused_wherever_it_lies(folder, default):
    place, name = folder / "my_data", "tfds:MyData"
    (folder / "things").rename(place)
    path = place / "1.0.0" / "features.json"
    whole = path.read_text()
    described = json.loads(whole)
    described["featuresDict"]["features"]["image"] = PLANTED[0]
    path.write_text(json.dumps(described))
    with pytest.raises(InputError, match=r"features.json names the class"):
        build(name, data_dir=str(folder))
    (place / "odd.json").mkdir()  # a folder, whatever its ending
    (place / "1.0.0").rename(place / "odd.json" / "1.0.0")
    with pytest.raises(InputError, match=r"features.json names the class"):
        build(f"{name}/odd.json", data_dir=str(folder))
    (place / "odd.json" / "1.0.0" / "features.json").write_text(whole)
    (place / ".config").mkdir()
    metadata = place / ".config" / "metadata.json"
    odd = [json.dumps({"default_config_name": default}), "[", "[]"]
    for content in odd:
        metadata.write_text(content)
        with pytest.raises(InputError, match=r"metadata.json "):
            build(name, data_dir=str(folder))
    assert "planted" not in sys.modules and not (folder / "imported").exists()


def test_names_are_those_of_data_sets(folder):
    for name in ("huggingface:mnist", "user:things", "../things", "things/../a", ""):
        with pytest.raises(InputError, match="tfds"):
            build(f"tfds:{name}", data_dir=str(folder))
    for place in (f"{folder.parent}/*", f"{folder}?"):
        with pytest.raises(InputError, match="data_dir"):
            build("tfds:things", data_dir=place)


def test_features_that_are_no_json(folder):
    (folder / "things" / "1.0.0" / "features.json").write_text("[" * 10**5)
    with pytest.raises(InputError, match=r"features.json is not JSON"):
        build("tfds:things", data_dir=str(folder))


def test_descriptions_that_are_none(folder):
    place = folder / "things" / "1.0.0"
    for name in ("features.json", "dataset_info.json"):
        whole = (place / name).read_text()
        known = json.loads(whole)
        odd = [1.5, True, [], {"true": 1}, {**known, "name": False}]
        odd += [{**known, "splits": "x"}, {**known, "featuresDict": {":": 1}}]
        for split in known.get("splits", []):
            odd += [{**known, "splits": [{**split, "filepathTemplate": "{X}"}]}]
        for content in odd:
            (place / name).write_text(json.dumps(content))
            try:
                build("tfds:things", data_dir=str(folder), image_size=4)
            except InputError as error:
                assert "\n" not in str(error)
        (place / name).write_text(whole[:-20])
        with pytest.raises(InputError, match="tfds|TFDS|JSON"):
            build("tfds:things", data_dir=str(folder), image_size=4)
        (place / name).write_text(whole)
