"""Files of `torch.save` read without PyTorch, and without running anything that they name.

Such a file is a pickle, a program, beside the numbers; `tensor_pickle` reads dicts of tensors from one.
Both of PyTorch's formats are read: the zip archive, and the older row of pickles.
"""

import io
import math
import struct
import zipfile
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.features.tensor_pickle import TYPES, Storage, Tensor, unpickle

ZIP = b"PK\x03\x04"
LEGACY = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickle of PyTorch's magic number
)

MOST_AXES = 64  # NumPy's own limit

# What pickletools and zipfile let through from a damaged file.
_BROKEN = (
    zipfile.BadZipFile,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read_tensors(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The tensors of a state dict, by their names; views of `content`, which may not be written to.

    Args:
      content: of the whole file.
      name: what messages call it.

    Raises:
      InputError: a file that is damaged, or that holds or names anything but tensors.
    """
    try:
        read = _read_zip if content.startswith(ZIP) else _read_legacy
        tensors, storages = read(content, name)
        if not isinstance(tensors, dict):
            raise InputError(
                f"{name} holds {type(tensors).__name__}, not a dict of tensors by name"
            )
        return {key: _array(key, x, storages, name) for key, x in tensors.items()}
    except _BROKEN as error:
        if isinstance(error, InputError):
            raise
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise InputError(f"{name} is no whole file of torch.save ({reason})") from None


def _read_zip(content: bytes, name: str) -> tuple[Any, dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {
            entry.filename.partition("/")[2]: entry for entry in archive.filelist
        }
        for entry in archive.filelist:
            # torch.save never compresses; what does may be a bomb.
            if entry.compress_type != zipfile.ZIP_STORED:
                raise InputError(
                    f"{name} is a compressed archive, and no file of torch.save"
                )
        if sum(entry.file_size for entry in archive.filelist) > len(content):
            raise InputError(f"{name} claims to hold more than it does")
        if "byteorder" in entries and archive.read(entries["byteorder"]) != b"little":
            raise InputError(f"{name} was written on a machine of the other byte order")
        tensors = unpickle(io.BytesIO(archive.read(entries["data.pkl"])), name)
        return tensors, {
            path.removeprefix("data/"): archive.read(entry)
            for path, entry in entries.items()
            if path.startswith("data/")
        }


def _read_legacy(content: bytes, name: str) -> tuple[Any, dict[str, memoryview]]:
    file = io.BytesIO(content)
    _, _, system = (unpickle(file, name) for _ in range(3))
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise InputError(f"{name} was written on a machine of the other byte order")
    found: dict[str, Storage] = {}
    tensors = unpickle(file, name, found)
    storages = {}
    for key in map(str, _keys(unpickle(file, name))):
        (size,) = struct.unpack("<q", file.read(8))
        storage = found[key]
        if size != storage.size:
            raise ValueError(
                f"a storage of {size} numbers in the place of {storage.size}"
            )
        start = file.tell()
        end = start + size * np.dtype(TYPES[storage.kind]).itemsize
        storages[key] = memoryview(content)[start:end]
        file.seek(end)
    return tensors, storages


def _keys(found: Any) -> list[str | int]:
    if not isinstance(found, list) or not all(isinstance(k, str | int) for k in found):
        raise TypeError("no list of storages behind the tensors")
    return found


def _array(key: Any, value: Any, storages: dict, name: str) -> np.ndarray:
    """One tensor as a read-only view of its storage, if it lies in it."""
    if not isinstance(key, str) or not isinstance(value, Tensor):
        raise InputError(
            f"{name} holds {type(value).__name__} among its tensors; a state dict, saved alone, is"
            " needed"
        )
    storage, offset, shape, strides = value
    dtype = np.dtype(TYPES[storage.kind])
    numbers = np.frombuffer(storages[storage.key], dtype)
    sizes = [*shape, *strides, offset]
    axes = len(shape) == len(strides) <= MOST_AXES
    if not axes or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise ValueError(f"{key!r} has no shape")
    if not math.prod(shape):
        return np.zeros(shape, dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
    # The second bound refuses a small storage that claims to be a huge array, over and over.
    if not (last < len(numbers) >= math.prod(shape)):
        raise ValueError(f"{key!r} reaches beyond its storage")
    steps = [step * dtype.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(
        numbers[offset:], shape, steps, writeable=False
    )
