"""The cache of arrays: whatever is wrong with it costs time alone."""

import errno
import io
import zipfile

import numpy as np
import pytest

from genlab.storage import cache, files


def read(name, fields, folder=None, most=2**20):
    return cache.read(name, fields, folder, is_whole=bool, most=most)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The folder of the user's caches; no warning was given yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache._tell.cache_clear()
    return tmp_path / "genlab"


def test_what_is_kept_is_read(home):
    cache.write("rooms/a.npz", {"x": np.arange(3)})
    np.testing.assert_array_equal(read("rooms/a.npz", ["x"])["x"], [0, 1, 2])
    assert read("rooms/a.npz", ["x", "y"]) is None
    assert read("rooms/b.npz", ["x"]) is None
    assert read("a.npz", ["x"], str(home / "rooms"))
    nothing = {"is_whole": lambda arrays: arrays["x"][9], "most": 2**20}
    with pytest.raises(IndexError):
        nothing["is_whole"]({"x": np.arange(3)})
    assert cache.read("rooms/a.npz", ["x"], **nothing) is None


def test_a_damaged_file_is_none(home):
    """Cut, empty, one array, objects, encrypted, an unknown compression, bits that changed."""
    cache.write("a.npz", {"x": np.arange(300)})
    path = home / "a.npz"
    whole = path.read_bytes()
    array, objects = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(3))
    np.savez(objects, x=np.array([{}], object))
    entry = whole.index(b"PK\x01\x02")  # of the list of members
    damaged = [b"", b"text", array.getvalue(), objects.getvalue()]
    damaged += [whole[:end] for end in range(0, len(whole), 41)]
    for place, value in ((6, 99), (8, 1), (10, 99)):  # version, flags, compression
        damaged.append(
            whole[: entry + place] + bytes([value]) + whole[entry + place + 1 :]
        )
    damaged += [
        whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
        for place in range(len(whole) // 2, len(whole) // 2 + 20)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00\x06\x00{'a':\n")
    damaged.append(path.read_bytes())
    for content in damaged:
        path.write_bytes(content)
        assert read("a.npz", ["x"]) is None, content


@pytest.mark.parametrize("reason", ["full", "a file", "no home"])
def test_what_cannot_be_kept_is_said_once(home, monkeypatch, caplog, reason):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    if reason == "full":
        monkeypatch.setattr(files.os, "fsync", full)
    elif reason == "a file":
        home.write_text("")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", "~no-such-user/here")
    for name in ("a.npz", "b.npz"):
        cache.write(name, {"x": np.arange(3)})
        assert read(name, ["x"]) is None
    (record,) = caplog.records
    assert "nothing is cached, and will be made anew" in record.getMessage()
