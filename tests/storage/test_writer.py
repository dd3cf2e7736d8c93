"""The log of a run: one line for each split and step, whatever was killed when."""

import errno
import json

import pytest

from genlab.errors import InputError
from genlab.storage import files
from genlab.storage.files import remove_drafts, write_atomic
from genlab.storage.writer import Writer


def lines(workdir):
    text = (workdir / "metrics.jsonl").read_text()
    return [tuple(json.loads(line).values()) for line in text.splitlines()]


def test_what_is_measured_again_takes_the_place_of_what_was_there(tmp_path):
    first = Writer(tmp_path)
    first.write(0, "validation", {"loss": 3.0})
    first.write(4, "train", {"loss": 2.0})
    first.write(4, "stage/validation", {"loss": 2.5})
    first.write(4, "validation", {"loss": 2.5})
    first.write(8, "train", {"loss": 1.0})  # killed before the checkpoint after it
    first.close()
    for _ in range(2):  # and once more
        resumed = Writer(tmp_path, step=4)
        resumed.write(4, "validation", {"loss": 2.5, "more": 1.0})
        resumed.write(8, "train", {"loss": 1.0})
        resumed.close()
    assert lines(tmp_path) == [
        (0, "validation", {"loss": 3.0}),
        (4, "train", {"loss": 2.0}),
        (4, "stage/validation", {"loss": 2.5}),
        (4, "validation", {"loss": 2.5, "more": 1.0}),
        (8, "train", {"loss": 1.0}),
    ]


def test_losses_and_an_evaluation_of_the_same_split_stand_beside_each_other(tmp_path):
    first = Writer(tmp_path)
    first.write(4, "train", {"vae/loss": 2.0})
    first.write(4, "train", {"kl": 2.5})
    first.close()
    for _ in range(2):
        resumed = Writer(tmp_path, step=4)
        resumed.write(4, "train", {"kl": 3.5})
        resumed.close()
    assert lines(tmp_path) == [
        (4, "train", {"vae/loss": 2.0}),
        (4, "train", {"kl": 3.5}),
    ]


def test_log_with_lines_twice_is_put_right(tmp_path):
    line = '{"step": 1, "split": "train", "values": {"loss": %d}}'
    text = "\n".join([line % 1, line % 2, '{"step": 2, "spl'])
    (tmp_path / "metrics.jsonl").write_text(text)
    Writer(tmp_path, step=1).close()
    assert lines(tmp_path) == [(1, "train", {"loss": 2})]


def test_drafts_of_interrupted_writes_go_and_those_under_way_stay(
    tmp_path, monkeypatch
):
    old = [
        tmp_path / f".{name}.unfinished" for name in ("results.json", "5f", "\udcff")
    ]
    for path in old:
        path.write_text("half")
    (tmp_path / ".link.unfinished").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").write_text("kept")

    def meanwhile(descriptor):
        remove_drafts(tmp_path)

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    write_atomic(tmp_path / "report.html", "whole")
    assert (tmp_path / "report.html").read_text() == "whole"
    assert not any(path.exists() for path in old)
    assert (tmp_path / "kept").read_text() == "kept"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_is_one_error_that_names_the_file(tmp_path, monkeypatch, number):
    def full(*_):
        raise OSError(number, "full")

    write_atomic(tmp_path / "results.json", "old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match="no space left .* for .*results.json; what"):
        write_atomic(tmp_path / "results.json", "new")
    assert (tmp_path / "results.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    writer = Writer(tmp_path)
    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(InputError, match=r"no space left .* for .*metrics\.jsonl"):
        writer.write(1, "train", {})
    writer.close()
