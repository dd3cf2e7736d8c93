"""Checkpoints: whole or absent, verified, newest and best apart."""

import errno
import json
import math
import os
import shutil
import subprocess
import threading
import unicodedata
from concurrent.futures import wait
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.storage import arrays, seal
from genlab.storage.checkpoint import Checkpoints

ODD = (
    *("a b", "[ab]", "a[b", "a]b", "a*b", "a?b", "'a'", '"a"', "a%20b", "~a", "a:b"),
    *(
        "s3://a",
        "a\nb",
        "a\\b",
        "-a",
        "$HOME",
        "{}",
        "#a",
        "a&b",
        "\x1b[31m",
        "x" * 255,
    ),
    *(unicodedata.normalize(form, "é") for form in ("NFC", "NFD")),
    os.fsdecode(b"\xff\xfea"),
)


def tree(value: float):
    return {
        "step": np.int32(value),
        "params": {"a": {"w": np.full((3, 2), value, np.float32)}},
        "nothing": {},
    }


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", keep=2)


def restored(checkpoints, template=None, best=False):
    """The newest intact tree, or the best."""
    return checkpoints.read(checkpoints.newest(best), template or tree(0), best)


def assert_is(found, value):
    jax.tree.map(np.testing.assert_array_equal, found, tree(value))


def test_newest_is_restored_and_oldest_let_go(checkpoints):
    assert checkpoints.newest() is None
    for step in (1, 2, 3):
        checkpoints.save(tree(step), step)
    assert checkpoints.steps() == [2, 3]
    assert_is(restored(checkpoints), 3)


@pytest.mark.parametrize("harm", ["flip", "truncate", "delete"])
def test_damage_falls_back_to_the_newest_intact_one(
    checkpoints, tmp_path, harm, caplog
):
    for step in (1, 2):
        checkpoints.save(tree(step), step)
    folder = tmp_path / "checkpoints" / "00000002" / "state"
    file = max(folder.rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    match harm:
        case "flip":
            file.write_bytes(content)
        case "truncate":
            file.write_bytes(content[:-1])
        case "delete":
            file.unlink()
    assert_is(restored(checkpoints), 1)
    assert "00000002 is damaged" in caplog.text
    assert checkpoints.steps() == [1, 2], "damaged checkpoints are left for their owner"
    checkpoints.save(tree(2), 2)  # the run comes past the damaged step again
    assert_is(restored(checkpoints), 2)


def test_all_damaged_is_refused_not_started_over(checkpoints, tmp_path):
    checkpoints.save(tree(1), 1)
    (tmp_path / "checkpoints" / "00000001" / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="every checkpoint .* is damaged"):
        restored(checkpoints)


def test_best_is_kept_apart_and_non_finite_is_never_best(checkpoints):
    scores = {1: 5.0, 2: math.nan, 3: 3.0, 4: math.inf, 5: 4.0, 6: -math.inf}
    for step, score in scores.items():
        checkpoints.save(tree(step), step)
        checkpoints.save_best(tree(step), step, "loss", score)
    assert_is(restored(checkpoints, best=True), 3)
    assert checkpoints.best_score("loss") == 3.0
    assert_is(restored(checkpoints), 6)


def test_scores_of_another_name_do_not_compete(checkpoints):
    checkpoints.save_best(tree(1), 1, "-accuracy", -0.9)
    assert checkpoints.save_best(tree(2), 2, "loss", 3.0)
    assert not checkpoints.save_best(tree(3), 3, "loss", 3.5)
    assert_is(restored(checkpoints, best=True), 2)


@pytest.mark.parametrize("step", [1, 2])
def test_damaged_best_is_kept_and_named_but_is_no_best(
    checkpoints, tmp_path, caplog, step
):
    checkpoints.save_best(tree(1), 1, "loss", 1.0)
    best = tmp_path / "checkpoints" / "best"
    (best / "00000001" / "manifest.json").write_text("{")
    assert checkpoints.best_score("loss") == math.inf
    assert checkpoints.save_best(tree(step), step, "loss", 5.0)
    assert_is(restored(checkpoints, best=True), step)
    (kept,) = best.glob("damaged-00000001-*")
    assert (kept / "state").is_dir()
    assert f"kept as {kept}" in caplog.text


def test_saving_an_earlier_step_lets_no_intact_one_go(checkpoints, tmp_path):
    for step in (2, 3):
        checkpoints.save(tree(step), step)
        (tmp_path / f"checkpoints/0000000{step}/manifest.json").write_text("{")
    checkpoints.save(tree(1), 1)
    assert_is(restored(checkpoints), 1)


def test_what_a_killed_save_left_is_cleaned_up(checkpoints, tmp_path):
    checkpoints.save(tree(1), 1)
    (tmp_path / "checkpoints" / "unfinished-00000002").mkdir()
    checkpoints.clean()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000001"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({**tree(0), "more": np.zeros(1)}, "only the model has 'more'"),
        ({"step": np.int32(0), "nothing": {}}, "only the checkpoint has 'params/a/w'"),
        (
            {**tree(0), "params": {"a": {"w": np.zeros((3, 3), np.float32)}}},
            r"'params/a/w' is float32\[3, 2\], the model has float32\[3, 3\]",
        ),
        (
            {**tree(0), "params": {"a": {"w": np.zeros((3, 2), np.float16)}}},
            r"the model has float16\[3, 2\]",
        ),
    ],
)
def test_another_model_is_refused_by_name(checkpoints, template, message):
    checkpoints.save(tree(1), 1)
    with pytest.raises(InputError, match=message):
        restored(checkpoints, template)


def held_up(monkeypatch):
    """Lets no checkpoint be sealed until the event is set."""
    go_on, sealed = threading.Event(), seal.seal

    def seals(*given, **facts):
        assert go_on.wait(60)
        sealed(*given, **facts)

    monkeypatch.setattr("genlab.storage.seal.seal", seals)
    return go_on


def test_a_save_beside_has_the_state_as_it_was(checkpoints, tmp_path, monkeypatch):
    go_on, state = held_up(monkeypatch), tree(3)
    checkpoints.save_beside(state, 3)
    state["params"]["a"]["w"][:] = 7  # as the next round may
    checkpoints.look_after()
    assert not Checkpoints(tmp_path / "checkpoints").steps()  # while it is under way
    go_on.set()
    assert checkpoints.steps() == [3]
    assert_is(restored(checkpoints), 3)


@pytest.mark.parametrize("asked", ["look_after", "wait", "newest", "steps", "clean"])
def test_what_a_save_beside_met_is_raised_where_one_looks_next(
    asked, checkpoints, monkeypatch
):
    checkpoints.save(tree(1), 1)
    monkeypatch.setattr(arrays.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    checkpoints.save_beside(tree(2), 2)
    wait([checkpoints._beside._work])
    with pytest.raises(InputError, match="no space left on the disk"):
        getattr(checkpoints, asked)()
    checkpoints.look_after()  # once
    assert checkpoints.steps() == [1]


def test_full_disk_leaves_what_was_there(checkpoints, tmp_path, monkeypatch):
    checkpoints.save(tree(1), 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("genlab.storage.seal.seal", full)
    with pytest.raises(InputError, match="no space left on the disk"):
        checkpoints.save(tree(2), 2)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000001"]
    assert_is(restored(checkpoints), 1)


def test_unfinished_folder_is_not_a_checkpoint(checkpoints, tmp_path):
    checkpoints.save(tree(1), 1)
    (tmp_path / "checkpoints" / "unfinished-00000002").mkdir()
    assert checkpoints.steps() == [1]
    checkpoints.save(tree(2), 2)
    assert_is(restored(checkpoints), 2)


def test_state_of_another_device_layout_is_restored(checkpoints):
    mesh = jax.make_mesh((4,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    checkpoints.save(jax.device_put(jax.tree.map(jnp.asarray, tree(1)), whole), 1)
    assert_is(restored(checkpoints), 1)


def test_manifest_lists_every_file(checkpoints, tmp_path):
    checkpoints.save(tree(1), 1)
    folder = tmp_path / "checkpoints" / "00000001"
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == files - {"manifest.json"}
    assert manifest["step"] == 1


def test_manifest_is_sealed_itself(checkpoints, tmp_path):
    """Every bit of it: none may say another step, score or checksum."""
    checkpoints.save_best(tree(1), 1, "loss", 1.0)
    manifest = tmp_path / "checkpoints" / "best" / "00000001" / "manifest.json"
    whole = manifest.read_bytes()
    for bit in range(0, 8 * len(whole), 7):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        manifest.write_bytes(content)
        assert checkpoints.best_score("loss") == math.inf, (bit, bytes(content))
    manifest.write_bytes(whole)
    assert checkpoints.best_score("loss") == 1.0


def test_manifests_that_nobody_writes_are_damaged(checkpoints, tmp_path):
    """Sealed or from before seals: anybody can seal."""
    checkpoints.save_best(tree(1), 1, "loss", 1.0)
    manifest = tmp_path / "checkpoints" / "best" / "00000001" / "manifest.json"
    whole = json.loads(manifest.read_text())
    del whole["checksum"]
    odd = [
        {"files": x} for x in (None, [], {"state": 1}, {"a\0": "", **whole["files"]})
    ]
    odd += [{"step": True}, {"step": "1"}, {"run": 1}, {"name": []}, {"score": "low"}]
    for change in odd:
        record = whole | change
        before = {k: record[k] for k in ("step", "name", "score", "files")}
        sealed = record | {"checksum": seal._signature(record)}
        for content in (before, sealed, [], "x", 1):
            manifest.write_text(json.dumps(content))
            damage = seal.damage(manifest.parent, "", 1)
            assert damage or (content is before and "run" in change), content
            assert seal.owner(manifest.parent) in ("", whole["run"]), content
            checkpoints.best_score("loss")
    manifest.write_text("[" * 100_000)
    assert "it is no manifest" in seal.damage(manifest.parent, "", 1)


def test_ordinary_checkpoint_in_the_place_of_the_best_has_no_score(
    checkpoints, tmp_path
):
    checkpoints.save(tree(1), 1)
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "00000001", folder / "best" / "00000001")
    assert checkpoints.best_score("loss") == math.inf


def test_renamed_and_foreign_steps_are_not_taken_for_others(tmp_path, caplog):
    folders = [tmp_path / name / "checkpoints" for name in "ab"]
    mine, other = (Checkpoints(f, 2, run=f.parent.name) for f in folders)
    for step in (1, 2):
        mine.save(tree(step), step)
        other.save(tree(step + 10), step + 2)
    shutil.copytree(folders[1] / "00000003", folders[0] / "00000003")
    (folders[0] / "00000002").rename(folders[0] / "00000007")
    (folders[0] / "00000009").symlink_to(folders[1] / "00000004")
    for name in ("9", "²", "0000000٣"):
        (folders[0] / name).mkdir()
    assert_is(restored(mine), 1)
    assert "00000003 is damaged (it is of another run)" in caplog.text
    assert "00000007 is damaged (it is of step 2, renamed)" in caplog.text
    for step in (3, 4, 5, 6):
        mine.save(tree(step), step)
    assert_is(mine.read(6, tree(0)), 6)
    (kept,) = folders[0].glob("damaged-00000003-*")
    assert seal.owner(kept) == "b", "what belongs to others is not thrown away"


def test_checkpoint_from_before_identities_is_read(checkpoints, tmp_path):
    checkpoints.save(tree(1), 1)
    manifest = tmp_path / "checkpoints" / "00000001" / "manifest.json"
    record = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({k: record[k] for k in ("step", "files")}))
    assert_is(restored(Checkpoints(tmp_path / "checkpoints", run="a")), 1)


@pytest.mark.parametrize("file", ["manifest.json", "state/manifest.ocdbt"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_unreadable_file_is_passed_over_by_name(
    checkpoints, tmp_path, monkeypatch, caplog, file, number
):
    for step in (1, 2):
        checkpoints.save(tree(step), step)
    bad, opened = tmp_path / "checkpoints" / "00000002" / file, os.open

    def failing(path, *rest, **options):
        if os.fspath(path) == str(bad):
            raise OSError(number, os.strerror(number), str(bad))
        return opened(path, *rest, **options)

    monkeypatch.setattr(os, "open", failing)
    assert_is(restored(checkpoints), 1)
    name = file if file.startswith("state") else "its manifest"
    reason = f"00000002 is damaged ({name} cannot be read: {os.strerror(number)})"
    assert reason in caplog.text


def test_pipe_in_a_checkpoint_is_not_waited_for(checkpoints, tmp_path, caplog):
    for step in (1, 2, 3):
        checkpoints.save(tree(step), step)
    folder = tmp_path / "checkpoints"
    for path in (
        folder / "00000003/manifest.json",
        folder / "00000002/state/_METADATA",
    ):
        path.unlink()
        os.mkfifo(path)
    with pytest.raises(InputError, match="every checkpoint"):
        checkpoints.newest()
    assert "state/_METADATA is no regular file" in caplog.text


def test_reader_beside_a_run_takes_the_newer_one(checkpoints, monkeypatch, caplog):
    """The run lets go what the reader has just chosen, before and while it reads."""
    checkpoints.save(tree(1), 1)
    reads, damage = arrays.read, seal.damage
    moves = iter((2, 3, 4, 5, 6, 7))

    def train_on():
        if (step := next(moves, None)) is not None:
            with monkeypatch.context() as writer:
                writer.setattr(seal, "damage", damage)
                writer.setattr(arrays, "read", reads)
                checkpoints.save(tree(step), step)

    def checked(*arguments):
        train_on()
        return damage(*arguments)

    def read(folder):
        train_on()
        train_on()
        return reads(folder)

    monkeypatch.setattr(seal, "damage", checked)
    monkeypatch.setattr(arrays, "read", read)
    found = checkpoints.restore(lambda step: tree(0))
    assert_is(found, 7)
    assert not caplog.records


@pytest.mark.full
def test_twenty_odd_names(tmp_path, caplog):
    """One folder in the other would be too long; tensorstore's own names come after."""
    for name in ODD:
        folder = tmp_path / name / "checkpoints"
        odd = Checkpoints(folder, keep=1)
        for step in (1, 2):
            odd.save(tree(step), step)
        assert_is(restored(odd), 2)
        assert odd.save_best(tree(2), 2, "loss", 1.0)
        assert_is(restored(odd, best=True), 2)
        assert sorted(os.listdir(folder)) == ["00000002", "best"], name
    assert len(ODD) >= 20
    assert not caplog.records


@pytest.mark.parametrize("harm", ["value", "missing"])
def test_what_cannot_be_read_back_does_not_count(
    checkpoints, tmp_path, monkeypatch, harm
):
    checkpoints.save(tree(1), 1)

    def lying(folder, read=arrays.read):
        found = read(folder)
        found["step"] = found["step"] + 1
        return found if harm == "value" else {}

    monkeypatch.setattr(arrays, "read", lying)
    with pytest.raises(InputError, match="00000002 cannot be written and read back"):
        checkpoints.save(tree(2), 2)
    assert checkpoints.steps() == [1]
    assert os.listdir(tmp_path / "checkpoints") == ["00000001"]


def test_disk_that_fills_under_orbax_is_one_error(tmp_path, monkeypatch, capfd):
    """A real one, met by orbax's threads: the margin is taken away."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if (
        os.geteuid()
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        noise = np.random.default_rng(0).normal(size=(20, 20000)).astype(np.float32)
        state = {str(i): row for i, row in enumerate(noise)}
        crowded = Checkpoints(small / "checkpoints")
        with pytest.raises(InputError, match="no space left on the disk for .*/checkp"):
            crowded.save(state, 1)
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 2**40)
        )
        with pytest.raises(
            InputError, match="no space left on the disk for .*/00000001"
        ):
            crowded.save(state, 1)
        assert os.listdir(small / "checkpoints") == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [RuntimeError("RESOURCE_EXHAUSTED"), MemoryError()])
def test_device_out_of_memory_is_no_full_disk(tmp_path, error):
    class Leaf:
        def __array__(self, *_, **__):
            raise error

    with pytest.raises(type(error)):
        Checkpoints(tmp_path / "checkpoints").save({"leaf": Leaf()}, 1)
    assert not (tmp_path / "checkpoints").exists()
