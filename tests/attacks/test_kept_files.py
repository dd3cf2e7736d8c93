"""Files that commands keep beside a run, from strangers: caches, tables, side files, sets of images."""

import io
import json
import tracemalloc
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from benchmarks.faults.kept_inputs import _OUTLIERS, _PROBES
from genlab.commands.cli import main
from genlab.data import folksongs, limits, melody
from genlab.data.melody import TUNES
from genlab.errors import InputError
from genlab.evaluation.image_set import read_images
from genlab.metrics import attributes
from genlab.probing import table as probes
from genlab.reporting.pictures import shot
from genlab.reporting.probes import read_probes
from genlab.run.folder import load_config
from genlab.storage import cache, seal, sidefile
from genlab.trials import failure, manifest

SPARSE = 2**41  # bytes that a file claims, and that take no room on the disk


def bomb(member: str, size: int = 50_000_000) -> bytes:
    """An archive of an array of zeros, a thousandth of its size."""
    array, file = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros((size // 2, 2), np.uint8))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{member}.npy", array.getvalue())
    return file.getvalue()


@pytest.fixture
def little_memory():
    """Less is taken than what a file claims."""
    tracemalloc.start()
    yield
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_side_files_that_claim_terabytes(tmp_path, little_memory, caplog):
    for name in ("config.json", "sweep.json", "manifest.json", "failed.txt", "a.json"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(SPARSE)
    told = "has more than 1,073,741,824 bytes"
    with pytest.raises(InputError, match=rf"config\.json' cannot be read: .*{told}"):
        load_config(tmp_path)
    with pytest.raises(InputError, match=rf"is not a sweep's manifest \(.*{told}"):
        manifest.read(tmp_path)
    with pytest.raises(ValueError, match=told):
        seal.facts(tmp_path)
    assert sidefile.read(tmp_path / "a.json", bool) is None
    assert failure.recorded(tmp_path) == failure.NO_REASON
    assert sum(told in record.getMessage() for record in caplog.records) == 2


def test_a_cache_that_inflates_is_made_anew(tmp_path):
    (tmp_path / "a.npz").write_bytes(bomb("x"))
    checked = {"is_whole": lambda arrays: True, "most": 2**22}
    tracemalloc.start()
    assert cache.read("a.npz", ["x"], str(tmp_path), **checked) is None
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()
    found = cache.read("a.npz", ["x"], str(tmp_path), **{**checked, "most": 2**30})
    assert found["x"].nbytes == 50_000_000


def test_features_of_another_shape_are_none():
    seen = {"features": np.ones((3, 2), np.float32)}
    assert cache.are_rows(seen, 3)
    for odd in (np.ones((2, 2)), np.ones((4, 2), np.float32), np.ones(3, np.float32)):
        assert not cache.are_rows({**seen, "logits": odd}, 3)


def bars(**odd):
    steps = np.full((3, melody.STEPS), 60, np.int16)
    given = {"steps": steps, "sounding": steps[:, 0], "song": np.zeros(3, np.int32)}
    return {**given, "run": np.zeros(3, np.int32), **odd}


def test_songs_of_another_shape_are_none():
    assert folksongs._are_bars(bars())
    for odd in (
        {"run": np.zeros(2, np.int32)},
        {"steps": np.zeros((3, 15), np.int16)},
        {"steps": np.full((3, 16), 60.0)},
        {"sounding": np.full(3, 30_000, np.int16)},
        {"sounding": np.full(3, -2, np.int16)},
        {"song": np.array(["a", "b", "c"])},
    ):
        assert not folksongs._are_bars(bars(**odd)), odd


def run_folder(folder, config, results):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"config": config}))
    (folder / "results.json").write_text(json.dumps(results))
    return str(folder)


CONFIG = {"experiment": {"name": "vae"}, "data": {"without_labels": [1]}, "seed": 0}
LATEX = r"\input{/etc/passwd}&$x^2$~%#{"


def test_outliers_of_runs_that_are_none_are_one_line(tmp_path, capsys):
    odd = [
        {"data": None},
        {"data": {"without_labels": 3}},
        {"seed": [1]},
        {"seed": "0"},
        {"data": []},
    ]
    for number, changes in enumerate(odd):
        folder = run_folder(tmp_path / f"{number}", {**CONFIG, **changes}, _OUTLIERS)
        assert main(["launch.py", "outliers", folder]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert f"{number}/config.json' is not what a run writes" in line
    values = {"roc_auc_a": "train", "roc_auc_b": {}, "roc_auc_c": 0.5}
    results = {"step": 1, "metrics": {"outliers": {"values": values}}}
    folder = run_folder(tmp_path / "values", CONFIG, results)
    assert main(["launch.py", "outliers", folder]) == 0
    assert "0.500" in capsys.readouterr().out


def test_no_name_is_a_command_of_latex(tmp_path, capsys):
    config = {**CONFIG, "experiment": {"name": LATEX}}
    folder = run_folder(tmp_path / "run", config, _OUTLIERS)
    out = tmp_path / "table"
    assert main(["launch.py", "outliers", folder, f"--out={out}"]) == 0
    written = (tmp_path / "table.tex").read_text()
    plain = ("codes", 2, "linear", 0.5, None, None, None, ())
    rows = [probes.Row(name, *plain) for name in (LATEX, "other")]
    for page in (written, probes.as_latex(rows)):
        assert r"\textbackslash{}input\{/etc/passwd\}\&\$x\textasciicircum{}2\$" in page
        assert r"\input" not in page


def test_values_that_are_no_numbers_are_left_out(tmp_path, capsys):
    results = {"step": 1, "metrics": {"a": {"values": {"b": {}, "c": [1], "d": 2.0}}}}
    one = run_folder(tmp_path / "one", CONFIG, results)
    other = run_folder(tmp_path / "other", CONFIG, {"step": {}, "metrics": [1]})
    assert main(["launch.py", "runs", str(tmp_path)]) == 0
    assert main(["launch.py", "compare", one, other]) == 0
    said = capsys.readouterr()
    assert not said.err and "a/d" in said.out and "a/b" not in said.out


def test_probes_that_are_odd_are_passed_over(tmp_path):
    file = tmp_path / "probe.json"
    file.write_text(json.dumps(_PROBES))
    assert read_probes(file).columns == ["linear"]
    for key, odd in (("value", "1"), ("beats", None), ("width", 1e9), ("low", 10**400)):
        row = {**_PROBES["rows"][0], key: odd}
        file.write_text(json.dumps({**_PROBES, "rows": [row]}))
        assert read_probes(file) is None, key


def test_tables_of_attributes_are_one_line(tmp_path):
    file, data = tmp_path / "a.csv", SimpleNamespace(class_names=(), num_classes=2)
    file.write_text("class,a\n0,1\n1,2\n")
    assert attributes._read(file, data).tolist() == [[1], [2]]
    for odd in (
        "class,a\n0," + "1" * 200_000 + "\n1,2\n",
        'class,a\n0,"' + "x\n" * 10**5,
        "class,a\n0,nan\n1,2\n",
        "class,a\n0,1e999\n1,2\n",
        "class\n0\n1\n",
        "class,a\n0,\0\n1,2\n",
        "",
    ):
        file.write_text(odd)
        with pytest.raises(InputError, match="^attributes=") as caught:
            attributes._read(file, data)
        assert "\n" not in str(caught.value)


def test_images_that_inflate_are_refused_before(tmp_path, monkeypatch):
    monkeypatch.setenv(limits.VARIABLE, str(2**22))
    file = tmp_path / "images.npz"
    file.write_bytes(bomb("x"))
    with pytest.raises(InputError, match="above the limit of 4.0 MiB"):
        read_images(file)


def test_melodies_of_a_picture_are_small_numbers_or_none(tmp_path):
    def tunes(text, zipped=False):
        told, file = PngImagePlugin.PngInfo(), tmp_path / "a.png"
        told.add_text(TUNES, text, zip=zipped)
        Image.new("RGB", (2, 2)).save(file, pnginfo=told)
        found = shot(1, file)
        return None if found is None else found.tunes

    assert tunes('[["a",16,[[0,1,60]]]]') == '[["a",16,[[0,1,60]]]]'
    for odd in (
        '[["a",16,[[0,1,1e9]]]]',
        '[["a",100000,[]]]',
        '[["a",16,[[0,17,60]]]]',
        "[" * 10**5,
        '[[{"a":1},16,[]]]',
        f'[["{"a" * 201}",16,[]]]',
        '[["</script>",16,[[0,"x",60]]]]',
    ):
        assert tunes(odd) == "", odd
    assert not tunes("[" + " " * 10**7 + "]", zipped=True)  # a chunk that inflates
