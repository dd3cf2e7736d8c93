"""Checkpoints: whole or absent, verified, newest and best apart."""

import errno
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.checkpoint import Checkpoints
from genlab.errors import InputError


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


def test_damaged_best_is_no_best(checkpoints, tmp_path):
    checkpoints.save_best(tree(1), 1, "loss", 1.0)
    (tmp_path / "checkpoints" / "best" / "00000001" / "manifest.json").write_text("{")
    assert checkpoints.best_score("loss") == math.inf
    assert checkpoints.save_best(tree(2), 2, "loss", 5.0)
    assert_is(restored(checkpoints, best=True), 2)


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


def test_full_disk_leaves_what_was_there(checkpoints, tmp_path, monkeypatch):
    checkpoints.save(tree(1), 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("genlab.seal.seal", full)
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
