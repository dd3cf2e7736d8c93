"""Small files that would fill the memory: refused by what they announce, before it is read."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from data_cases import build

from genlab.data import limits
from genlab.errors import InputError

LIMIT = 2**22


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setenv(limits.VARIABLE, str(LIMIT))


def refused(name, match="above the limit of 4.0 MiB.*GENLAB_MAX_BYTES=", **knobs):
    """One line, and no more memory than the limit on the way."""
    tracemalloc.start()
    with pytest.raises(InputError, match=match) as caught:
        build(name, **knobs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * LIMIT and "\n" not in str(caught.value)


def npy(shape, dtype="|u1") -> bytes:
    """The header of an array, and none of it."""
    file = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def archive(path, content: bytes) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
    return f"npz:{path}"


def test_npz_that_inflates(tmp_path):
    name = archive(tmp_path / "a.npz", npy((50, 1000, 1000)) + bytes(50_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 10**5
    refused(name)


@pytest.mark.parametrize("shape", [(2**40, 1, 1), (2**20, 2**20, 2**20), (2**70, 1)])
def test_npz_with_a_header_of_too_many_elements(tmp_path, shape):
    refused(archive(tmp_path / "a.npz", npy(shape)))


def test_npz_whose_header_promises_less_than_there_is(tmp_path):
    refused(archive(tmp_path / "a.npz", npy((2, 2, 2)) + bytes(50_000_000)))


def test_idx_that_inflates(tmp_path):
    for name in ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"\0\0\x08\1" + struct.pack(">I", 1) + b"\0")
    image = b"\0\0\x08\3" + struct.pack(">III", 1, 1, 1)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(image + b"\0")
    train = tmp_path / "train-images-idx3-ubyte.gz"
    huge = b"\0\0\x08\3" + struct.pack(">III", 50, 1000, 1000)
    train.write_bytes(gzip.compress(huge + bytes(50_000_000)))
    refused(f"idx:{tmp_path}")
    train.write_bytes(gzip.compress(image + bytes(50_000_000)))
    refused(f"idx:{tmp_path}", "holds more but announces")
    header = b"\0\0\x08\3" + struct.pack(">III", 2**31, 2**31, 2**31)
    train.write_bytes(gzip.compress(header))
    refused(f"idx:{tmp_path}")


def test_resizing_to_too_much(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((1000, 2, 2), np.uint8))
    refused(f"npz:{tmp_path / 'a.npz'}", image_size=1000)
    refused("digits", "image_size 100000 is more than", image_size=100_000)
    refused("toy2d", size=10**12)


def test_the_limit_can_be_raised(tmp_path, monkeypatch):
    name = archive(tmp_path / "a.npz", npy((6, 1000, 1000)) + bytes(6_000_000))
    refused(name)
    monkeypatch.setenv(limits.VARIABLE, "8000000")
    assert build(name).example_shape == (1000, 1000, 1)
    for wrong in ("much", "-1", "0", "1e9", ""):
        monkeypatch.setenv(limits.VARIABLE, wrong)
        refused(name, "is no number of bytes")
