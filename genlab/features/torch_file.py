"""Files of `torch.save` read without PyTorch, and without running anything that they name.

Such a file is a pickle, a program, beside the numbers. Of all that a pickle can ask for this reader
knows dicts, tensors and their storages; whatever else one names is refused before it is looked up.
Both of PyTorch's formats are read: the zip archive, and the older row of pickles.
"""

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from genlab.errors import InputError

ZIP = b"PK\x03\x04"
LEGACY = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickle of PyTorch's magic number
)

_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

# What pickle and zipfile let through from a damaged file.
_BROKEN = (
    pickle.UnpicklingError,
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


class _Storage(NamedTuple):
    """Numbers in a row, by the key that they lie under in the file. What a pickle can hold of it is
    a tuple, to which it cannot do anything."""

    key: str
    kind: str
    size: int


class _Tensor(NamedTuple):
    """A view of a storage, as a pickle claims it; nothing is checked yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


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
        raise InputError(
            f"{name} is no whole file of torch.save ({type(error).__name__}: {error})"
        ) from None


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
        tensors = _unpickle(io.BytesIO(archive.read(entries["data.pkl"])), name)
        return tensors, {
            path.removeprefix("data/"): archive.read(entry)
            for path, entry in entries.items()
            if path.startswith("data/")
        }


def _read_legacy(content: bytes, name: str) -> tuple[Any, dict[str, memoryview]]:
    file = io.BytesIO(content)
    _, _, system = (_unpickle(file, name) for _ in range(3))
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise InputError(f"{name} was written on a machine of the other byte order")
    found: dict[str, _Storage] = {}
    tensors = _unpickle(file, name, found)
    storages = {}
    for key in _unpickle(file, name):
        (size,) = struct.unpack("<q", file.read(8))
        storage = found[key]
        if size != storage.size:
            raise ValueError(
                f"a storage of {size} numbers in the place of {storage.size}"
            )
        start = file.tell()
        end = start + size * np.dtype(_TYPES[storage.kind]).itemsize
        storages[key] = memoryview(content)[start:end]
        file.seek(end)
    return tensors, storages


def _unpickle(
    file: io.BytesIO, name: str, storages: dict[str, _Storage] | None = None
) -> Any:
    """What the next pickle of a file makes of dicts, numbers, texts and tensors.

    Args:
      file: at the beginning of a pickle.
      name: what messages call it.
      storages: takes those that the pickle names, by key.

    Raises:
      InputError: the pickle names anything else.
    """
    known = _constructors()

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, attribute: str) -> Any:
            found = known.get(f"{module}.{attribute}")
            if found is None:
                raise InputError(
                    f"{name} names {module}.{attribute}, which is no tensor; nothing of it was run,"
                    " and a file of weights needs no such thing"
                )
            return found

        def persistent_load(self, reference: tuple) -> _Storage:
            tag, kind, key, _, size, *_ = reference
            if tag != "storage" or kind not in _TYPES:
                raise InputError(
                    f"{name} refers to things that are no tensors' storages"
                )
            storage = _Storage(str(key), kind, int(size))
            if storages is not None:
                storages[storage.key] = storage
            return storage

    return Unpickler(file).load()


def _constructors() -> dict[str, Callable | str]:
    """What a pickle may name, and what it gets instead; made anew for each, since a pickle can set
    attributes of a function that it holds."""

    def tensor(storage, offset, shape, strides, *_) -> _Tensor:
        return _Tensor(storage, offset, shape, strides)

    def parameter(data, *_) -> _Tensor:
        return data

    return {
        "collections.OrderedDict": OrderedDict,
        "torch._utils._rebuild_tensor_v2": tensor,
        "torch._utils._rebuild_parameter": parameter,
        **{f"torch.{kind}": kind for kind in _TYPES},
    }


def _array(key: Any, value: Any, storages: dict, name: str) -> np.ndarray:
    """One tensor as a read-only view of its storage, if it lies in it."""
    if not isinstance(key, str) or not isinstance(value, _Tensor):
        raise InputError(
            f"{name} holds {type(value).__name__} among its tensors; a state dict, saved alone, is"
            " needed"
        )
    storage, offset, shape, strides = value
    dtype = np.dtype(_TYPES[storage.kind])
    numbers = np.frombuffer(storages[storage.key], dtype)
    sizes = [*shape, *strides, offset]
    if len(shape) != len(strides) or not all(
        isinstance(n, int) and n >= 0 for n in sizes
    ):
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
