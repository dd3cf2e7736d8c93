"""Files of weights from elsewhere: of torch.save, frozen graphs, safetensors, exported models."""

import hashlib
import io
import pickle
import random
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader

_NAMES = ("os\nsystem", "builtins\neval", "torch\nload", "a" * 999 + "\nb", "\n")
_SIZES = (0, 1, -1, 2**8, 2**31 - 1, -(2**31))

# Operations of pickles that ask for much, or for what torch.save never writes.
_NASTY = (
    *(b"(", b"0", b"2", b".", b"t", b"u", b"s", b"a", b"e", b"R", b"Q", b"b"),
    *(b"}", b"]", b")", b"\x85", b"\x86", b"\x87", b"\x88", b"N", b"\x94", b"\x93"),
    b"r\xff\xff\xff\xff",  # the memory's last place
    b"j\xff\xff\xff\xff",
    b"\x8e" + struct.pack("<Q", 2**40),  # bytes that are not there
    b"\x8d" + struct.pack("<Q", 2**62),
    b"\x8b\xff\xff\xff\x7f",
    b"\x8a\xff" + b"\xff" * 255,  # a number of 2,040 bits
    b"I" + b"9" * 5000 + b"\n",
    b"2\x86" * 40,  # tuples of themselves
    b"q\x00h\x00h\x00\x86" * 40,
    *(b"c" + name.encode() + b"\n" for name in _NAMES),
)


def torch_files(bench: Bench, folder: Path) -> Reader:
    """Both kinds of `torch.save`: operations of the pickle changed, or bytes of the file."""
    from genlab.features.torch_file import read_tensors

    def read(generator: random.Random) -> None:
        made = generator.choice((_zipped, _in_a_row))(_program(generator))
        found = read_tensors(mutation.some_data(generator, made), "weights")
        _look_at(found)

    return read


def frozen_graphs(bench: Bench, folder: Path) -> Reader:
    """A graph of two constants: fields, lengths and sizes changed, messages in messages."""
    from genlab.features.graph_file import read_constants

    def read(generator: random.Random) -> None:
        made = mutation.some_data(generator, _graph(generator))
        _look_at(read_constants(made, "graph"))

    return read


def published(bench: Bench, folder: Path) -> Reader:
    """Any of these files, and safetensors, as a release of weights is read."""
    from safetensors.numpy import save

    from genlab.features.weights import Release

    release, file = Release("weights", "nowhere", "0" * 64, "pixels"), folder / "file"
    tensors = save({"a": np.ones((2, 3), np.float32), "b": np.zeros(4, np.int64)})

    def read(generator: random.Random) -> None:
        made = (_zipped(_program(generator)), _graph(generator), tensors)
        content = mutation.some_data(generator, generator.choice(made))
        file.write_bytes(content)
        found = release.read(str(file), hashlib.sha256(content).hexdigest())
        for name, array in found.arrays.items():
            found.take(name, array.shape)
        found.finish()

    return read


def exported(bench: Bench, folder: Path) -> Reader:
    """A model as `genlab export` writes it, alone or in a hub's folder."""
    from safetensors.numpy import save

    from genlab.export.parameters import load_params

    arrays = {
        "params/vae/encoder/dense/kernel": np.ones((3, 2), np.float32),
        "extra/batch_stats/encoder/mean": np.zeros(2, np.float32),
    }
    structure = {
        "params": {"vae": {"encoder": {"dense": {"kernel": None}}}},
        "extra": {"batch_stats": {"encoder": {"mean": None}}, "memory": {}},
    }
    file = folder / "model.safetensors"

    def read(generator: random.Random) -> None:
        told = mutation.document(generator, structure).decode("utf-8", "replace")
        content = save(arrays, {"format": "genlab", "structure": told})
        file.write_bytes(mutation.some_data(generator, content))
        load_params(file)

    return read


def _look_at(arrays: Mapping[str, np.ndarray]) -> None:
    for array in arrays.values():
        np.ascontiguousarray(array, np.float32)


def _program(generator: random.Random) -> bytes:
    """The pickle of a state dict of two tensors, with some operations changed."""
    operations = [b"\x80\x02", b"}", b"("]
    for key, shape in {"weight": (2, 3), "bias": (6,)}.items():
        operations += [_text(key), *_tensor(generator, shape)]
    operations += [b"u", b"."]
    if isinstance(generator, mutation.Faithful) or generator.random() < 0.2:
        return b"".join(operations)
    for _ in range(generator.choice((1, 1, 2, 4))):
        place = generator.randrange(len(operations))
        match generator.randrange(4):
            case 0:
                del operations[place]
            case 1:
                operations.insert(place, generator.choice(_NASTY))
            case 2:
                operations.insert(place, generator.choice(operations))
            case 3:
                operations[place] = generator.choice(_NASTY)
    return b"".join(operations)


def _tensor(generator: random.Random, shape: tuple[int, ...]) -> list[bytes]:
    odd = lambda value: mutation.instead(generator, value, 0.05, _SIZES)
    strides = (3, 1) if len(shape) == 2 else (1,)
    return [
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        *(b"(", b"("),
        *(_text("storage"), b"ctorch\nFloatStorage\n", _text("0"), _text("cpu")),
        *(_number(odd(6)), b"t", b"Q", _number(odd(0)), b"("),
        *(_number(odd(size)) for size in shape),
        *(b"t", b"("),
        *(_number(odd(step)) for step in strides),
        *(b"t", b"\x89", b"ccollections\nOrderedDict\n", b")", b"R", b"t", b"R"),
    ]


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _zipped(program: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", b"little")
        archive.writestr("archive/data/0", struct.pack("<6f", *range(6)))
    return file.getvalue()


def _in_a_row(program: bytes) -> bytes:
    from genlab.features.torch_file import LEGACY

    system = {"protocol_version": 1001, "little_endian": True}
    parts = (LEGACY, *(pickle.dumps(part, 2) for part in (1001, system)), program)
    keys, numbers = pickle.dumps(["0"], 2), struct.pack("<q6f", 6, *range(6))
    return b"".join([*parts, keys, numbers])


def _graph(generator: random.Random) -> bytes:
    """A frozen graph, with some fields, lengths and sizes changed."""
    faithful = isinstance(generator, mutation.Faithful)
    depths = (0,) if faithful else (0, 0, 0, 900)
    changed = lambda value, share=0.02: mutation.instead(
        generator, value, share, (0, 1, 5, 2**31, 2**63, 2**70)
    )
    nodes = b""
    for name, shape in {"a": (2, 3), "b": (1,)}.items():
        sizes = b"".join(
            _field(2, _field(1, changed(size), changed), changed) for size in shape
        )
        numbers = struct.pack(f"<{int(np.prod(shape))}f", *range(int(np.prod(shape))))
        tensor = _field(1, changed(1), changed) + _field(2, sizes, changed)
        tensor += _field(4, numbers, changed)
        for _ in range(generator.choice(depths)):
            tensor = _field(8, tensor, changed)
        value = _field(8, tensor, changed)
        entry = _field(1, b"value", changed) + _field(2, value, changed)
        node = _field(1, name.encode(), changed) + _field(2, b"Const", changed)
        nodes += _field(1, node + _field(5, entry, changed), changed)
    return nodes


def _field(number: int, value: Any, changed: Any) -> bytes:
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(changed(len(value), 0.01)) + value
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


SURFACES = {
    "torch.save": (6.0, torch_files),
    "frozen graph": (6.0, frozen_graphs),
    "published weights": (4.0, published),
    "exported model": (4.0, exported),
}
