"""Weights from strangers: nothing in a file is run, and none takes more than it holds."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

from benchmarks.faults.weight_inputs import _field
from genlab.data import limits
from genlab.errors import InputError
from genlab.export.parameters import load_params
from genlab.features.graph_file import read_constants
from genlab.features.tensor_pickle import MOST_OPERATIONS
from genlab.features.torch_file import LEGACY, read_tensors
from genlab.features.weights import Release, sha256_of
from genlab.models.vgg import load_vgg19

LIMIT = 2**24
RELEASE = Release("weights", "nowhere", "0" * 64, "pixels")


def refused(read, *arguments, match="."):
    """One line, in little memory; a hang is a test that does not end."""
    tracemalloc.start()
    with pytest.raises(InputError, match=match) as caught:
        read(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT, peak
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def zipped(program: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", program)
        archive.writestr("x/data/0", bytes(16))
    return file.getvalue()


BEFORE = LEGACY + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
NESTED = b")q\x00" + b"h\x00h\x00\x86q\x00" * 60  # a tuple of itself twice, 60 times
SHAPE = b"(" + b"J\xff\xff\xff\x7f" * 5000 + b"t"


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**36) + b".",
        b"\x80\x04\x96" + struct.pack("<Q", 2**36) + b".",
        b"\x80\x02}" + NESTED + b"K\x01s.",  # as a key: 2^60 hashes
        b"\x80\x02}" + NESTED + b"Q.",
        b"\x80\x02(" + NESTED + NESTED + b"\x93.",
        b"\x80\x02}(" + b"2" * 50 + b"u.",
        b"\x80\x02" + b"(t" * 1000 + b"0.",
        b"\x80\x02I" + b"9" * 10**5 + b"\n.",
        b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
        b"\x80\x02ccollections\nOrderedDict\n(" + NESTED + b"K\x01\x86\x85R.",
        b"\x80\x02c" + b"a" * 10**5 + b"\nb\n.",
    ],
    ids=range(11),
)
def test_programs_that_ask_for_the_impossible(program):
    for content in (zipped(program), LEGACY + program, BEFORE + program):
        refused(read_tensors, content, "it", match="^it (is no whole|names|refers)")


def test_the_last_place_of_a_memory_takes_no_more_than_the_first():
    """For which Python's own machine makes room, 64 GiB."""
    tracemalloc.start()
    assert read_tensors(zipped(b"\x80\x02}r\xff\xff\xff\xff."), "it") == {}
    assert tracemalloc.get_traced_memory()[1] < LIMIT
    tracemalloc.stop()


def test_a_program_without_end_and_a_shape_without_end():
    refused(read_tensors, zipped(b"\x80\x02" + b"N0" * MOST_OPERATIONS), "it")
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n("
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000NK\x04tQ"
    )
    program = b"\x80\x02}X\x01\x00\x00\x00a" + tensor + storage
    program += b"K\x00" + SHAPE + SHAPE + b"tRs."
    refused(read_tensors, zipped(program), "it", match="'a' has no shape")


def test_names_that_overlap_in_an_archive():
    """Entries that share their bytes, which would be read over and over."""
    content = bytearray(zipped(b"\x80\x02}." + bytes(10**5)))
    end = content.rindex(b"PK\x05\x06")
    first = content.index(b"PK\x01\x02")
    entry = content[first : content.index(b"PK\x01\x02", first + 4)]
    many = 2000
    content[first:end] = entry * many
    place = content.rindex(b"PK\x05\x06")
    struct.pack_into("<HHI", content, place + 8, many, many, len(entry) * many)
    refused(read_tensors, bytes(content), "it", match="claims to hold more|no whole")


def constant(shape, numbers=b"\0\0\x80?") -> bytes:
    exact = lambda value, share=0: value
    field = lambda number, value: _field(number, value, exact)
    sizes = b"".join(field(2, field(1, size)) for size in shape)
    tensor = field(1, 1) + field(2, sizes) + field(4, numbers)
    entry = field(1, b"value") + field(2, field(8, tensor))
    return field(1, field(1, b"a") + field(2, b"Const") + field(5, entry))


def test_graphs_that_claim_much():
    whole = constant((1,))
    assert read_constants(whole, "it")["a"] == 1
    huge = [(2**20, 2**20), (2**62, 2**62), (0, 2**63), (2**69,), (2,) * 8, (1,) * 9]
    for shape in huge:
        refused(read_constants, constant(shape), "it", match="^it (claims|is no whole)")
    for end in range(1, len(whole)):
        refused(read_constants, whole[:end], "it", match="is no whole frozen graph")
    nested = whole
    for _ in range(3000):
        nested = _field(1, nested, lambda value, share=0: value)
    assert read_constants(nested, "it") == {}  # depth is not followed
    length = b"\x0a" + b"\xff" * 9 + b"\x01"
    refused(read_constants, length, "it", match="ends in the middle of a field")
    refused(read_constants, b"\x0a" + b"\xff" * 50, "it", match="more than ten bytes")


def tensors(header: dict, data: bytes = bytes(16)) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


ODD_TENSORS = {
    "of a type that NumPy lacks": ("BF16", [8], [0, 16]),
    "of eight bits": ("F8_E4M3", [16], [0, 16]),
    "huge": ("F32", [2**62, 4], [0, 16]),
    "of nothing, hugely": ("F32", [0, 2**63 - 1], [0, 0]),
    "of a hundred axes": ("F32", [1] * 100, [0, 16]),
    "beyond its end": ("F32", [4], [16, 32]),
}


@pytest.mark.parametrize("odd", ODD_TENSORS)
def test_safetensors_that_are_odd(odd, tmp_path):
    kind, shape, place = ODD_TENSORS[odd]
    told = {"dtype": kind, "shape": shape, "data_offsets": place}
    metadata = {"structure": json.dumps({"params": {"a": None}, "extra": {}})}
    content = tensors({"params/a": told, "__metadata__": metadata})
    file = tmp_path / "a.safetensors"
    file.write_bytes(content)
    checksum = sha256_of(str(file))
    refused(RELEASE.read, str(file), checksum, match="a.safetensors is a file neither")
    refused(load_vgg19, str(file), checksum, match="a.safetensors is no safetensors")
    refused(load_params, file, match="a.safetensors' is no file that `genlab export`")


@pytest.mark.parametrize(
    "structure",
    [
        "null",
        "[]",
        "1",
        '{"params": [1], "extra": {}}',
        '{"params": {"a": 3}, "extra": {}}',
        '{"params": {"../a": null}, "extra": {}}',
        '{"params": null, "extra": {}}',
        '{"extra": {}}',
        "[" * 10**5,
        '{"params": ' * 10**4 + "1" + "}" * 10**4,
    ],
)
def test_an_exported_model_with_an_odd_structure(structure, tmp_path):
    file = tmp_path / "hub" / "model.safetensors"
    file.parent.mkdir()
    file.write_bytes(save({"params/a": np.ones(2)}, {"structure": structure}))
    refused(load_params, file, match="model.safetensors' is no file that")


def test_an_exported_model_is_never_larger_than_the_limit(tmp_path, monkeypatch):
    file = tmp_path / "model.safetensors"
    with file.open("wb") as stream:
        stream.truncate(2**40)  # takes no room on the disk
    refused(load_params, file, match="1.0 TiB, above the limit")
    refused(sha256_of, str(file), match="1.0 TiB, above the limit")
    monkeypatch.setenv(limits.VARIABLE, "100")
    file.write_bytes(save({"params/a": np.ones(20)}, {"structure": "{}"}))
    refused(load_params, file, match="above the limit of 100 bytes")


def test_no_reader_of_weights_has_a_pickle_machine_of_python():
    """Which does whatever a file says."""
    from genlab.features import tensor_pickle, torch_file

    for module in (tensor_pickle, torch_file):
        assert pickle not in vars(module).values()
