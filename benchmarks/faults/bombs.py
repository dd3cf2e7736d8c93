"""Bombs: small files that announce, or become, more than GENLAB_MAX_BYTES; none is read."""

import contextlib
import gzip
import random
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader
from benchmarks.faults.data_inputs import read_all

LARGE = (
    600 * 2**20
)  # bytes that a bomb becomes, above the limit that commands are given here
_CHUNK = bytes(2**24)


def bombs(bench: Bench, folder: Path) -> Reader:
    """Archives, gzipped IDX files and images, beside a small file that is read."""
    made = [make(folder / make.__name__) for make in (_npz, _header, _idx, _image)]
    valid = _idx(folder / "small", large=False)

    def read(generator: random.Random) -> None:
        name = mutation.instead(generator, valid, 1.0, made)
        read_all(name)
        if name != valid:
            raise RuntimeError(f"{name} is read whole")

    return read


def _npz(folder: Path) -> str:
    """Zeros, compressed a thousandfold."""
    with _member(folder) as file:
        file.write(_npy_header(LARGE))
        file.writelines(_zeros(LARGE))
    return f"npz:{folder / 'data.npz'}"


def _header(folder: Path) -> str:
    """A header of 2^40 elements behind which there is nothing."""
    with _member(folder) as file:
        file.write(_npy_header(2**40))
    return f"npz:{folder / 'data.npz'}"


def _idx(folder: Path, *, large: bool = True) -> str:
    """MNIST's files, the images of train gzipped; what they announce is there."""
    folder.mkdir()
    side = 1024 if large else 8
    count = LARGE // side**2 if large else 12
    for part, number in (("train", count), ("t10k", 12)):
        images, labels = (folder / f"{part}-{kind}.gz" for kind in _IDX)
        with gzip.open(images, "wb", compresslevel=1) as file:
            file.write(struct.pack(">4I", 0x803, number, side, side))
            file.writelines(_zeros(number * side**2))
        labels.write_bytes(
            gzip.compress(struct.pack(">2I", 0x801, number) + bytes(number))
        )
    return f"idx:{folder}"


def _image(folder: Path) -> str:
    """A picture of 30,000 x 30,000 pixels in a hundred kilobytes."""
    (folder / "class").mkdir(parents=True)
    side = 30_000
    packer = zlib.compressobj(1)
    rows = [packer.compress(part) for part in _zeros(side * (side // 8 + 1))]
    header = struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(rows) + packer.flush()))
    with (folder / "class" / "0.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in (*chunks, (b"IEND", b"")):
            checksum = zlib.crc32(kind + content)
            file.write(struct.pack(">I", len(content)) + kind + content)
            file.write(struct.pack(">I", checksum))
    return f"folder:{folder}"


_IDX = ("images-idx3-ubyte", "labels-idx1-ubyte")


@contextlib.contextmanager
def _member(folder: Path) -> Iterator[IO[bytes]]:
    """The only array of an archive, to be written."""
    folder.mkdir()
    name, packed = folder / "data.npz", zipfile.ZIP_DEFLATED
    with (
        zipfile.ZipFile(name, "w", packed, compresslevel=1) as archive,
        archive.open("x.npy", "w") as file,
    ):
        yield file


def _npy_header(count: int) -> bytes:
    text = (
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count // 64}, 8, 8)}}\n"
    )
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def _zeros(count: int) -> Iterable[bytes]:
    for begin in range(0, count, len(_CHUNK)):
        yield _CHUNK[: count - begin]


SURFACES = {"bomb": (0.1, bombs)}
