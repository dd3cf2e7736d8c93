"""What Hypothesis finds to write into files is used or refused in one line, whoever reads it.

`python -m benchmarks faults --fuzz=N` does the same with mutated files, many more of them.
"""

import hashlib
import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.faults.weight_inputs import _in_a_row, _zipped
from genlab.data import folksongs, melody
from genlab.errors import InputError, NonFiniteLoss
from genlab.evaluation.image_set import read_images
from genlab.export.parameters import load_params
from genlab.features.graph_file import read_constants
from genlab.features.torch_file import read_tensors
from genlab.features.weights import Release
from genlab.metrics import attributes
from genlab.reporting import outliers
from genlab.reporting.pictures import _are_tunes
from genlab.reporting.probes import read_probes
from genlab.storage import cache, sidefile

hypothesis = pytest.importorskip("hypothesis", reason="needs the extra `test`")
st = hypothesis.strategies

SOME = hypothesis.settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
# Operations of pickles with what follows them, and what is none.
OPERATIONS = st.one_of(
    st.sampled_from(
        [bytes([op]) for op in b"(.0123}]){tuseaRQbN\x85\x86\x87\x88\x89\x94\x93"]
    ),
    st.integers(0, 255).map(lambda n: b"K" + bytes([n])),
    st.integers(0, 3).map(lambda n: b"q" + bytes([n])),
    st.integers(0, 3).map(lambda n: b"h" + bytes([n])),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: b"J" + struct.pack("<i", n)),
    st.text(max_size=5).map(
        lambda t: b"X" + struct.pack("<I", len(t.encode())) + t.encode()
    ),
    st.sampled_from(
        ["torch\nFloatStorage", "os\nsystem", "collections\nOrderedDict"]
    ).map(lambda name: b"c" + name.encode() + b"\n"),
    st.just(b"ctorch._utils\n_rebuild_tensor_v2\n"),
    st.binary(max_size=6),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)


def fields(inner):
    """Fields of a protocol buffer, whose bytes may be fields again."""
    varint = st.integers(0, 2**70).map(_varint)
    number = st.integers(1, 9)
    whole = st.tuples(number, varint).map(lambda f: _varint(f[0] << 3) + f[1])
    part = st.tuples(number, inner).map(
        lambda f: _varint(f[0] << 3 | 2) + _varint(len(f[1])) + f[1]
    )
    return st.lists(whole | part | st.binary(max_size=3), max_size=5).map(b"".join)


def _varint(value):
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


GRAPHS = st.recursive(st.binary(max_size=12) | st.just(b"Const"), fields, max_leaves=12)


def used_or_refused(read, *arguments):
    """What is read; None for what is refused in one line."""
    try:
        return read(*arguments)
    except InputError as error:
        assert "\n" not in str(error)
        return None


@SOME
@hypothesis.given(st.lists(OPERATIONS, max_size=25).map(b"".join))
def test_pickles(program):
    for content in (_zipped(b"\x80\x02" + program + b"."), _in_a_row(program + b".")):
        found = used_or_refused(read_tensors, content, "it")
        assert found is None or all(isinstance(x, np.ndarray) for x in found.values())


@SOME
@hypothesis.given(GRAPHS)
def test_frozen_graphs(content):
    used_or_refused(read_constants, content, "it")


@SOME
@hypothesis.given(st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()))
def test_files_of_weights(tmp_path_factory, content):
    file = _file(tmp_path_factory, "a.safetensors", content)
    header = struct.pack("<Q", len(content)) + content
    release = Release("weights", "nowhere", "0" * 64, "pixels")
    for whole in (content, header):
        file.write_bytes(whole)
        used_or_refused(release.read, str(file), hashlib.sha256(whole).hexdigest())
        used_or_refused(load_params, file)


@SOME
@hypothesis.given(JSON)
def test_exported_structures(tmp_path_factory, structure):
    from safetensors.numpy import save

    told = {"structure": json.dumps({"params": structure, "extra": structure})}
    content = save({"params/a": np.ones(2)}, told)
    used_or_refused(load_params, _file(tmp_path_factory, "b.safetensors", content))


@SOME
@hypothesis.given(JSON)
def test_side_files(tmp_path_factory, value):
    content = json.dumps(value).encode()
    assert read_probes(_file(tmp_path_factory, "probe.json", content)) is None
    assert sidefile.metrics_line(content) is None
    sidefile.parsed(content, _are_tunes)
    NonFiniteLoss.step_of(str(value))


@SOME
@hypothesis.given(JSON, JSON, JSON)
def test_runs_in_a_table(tmp_path_factory, data, seed, metrics):
    config = {"experiment": "vae", "data": data, "seed": seed}
    folder = _file(tmp_path_factory, "config.json", b"").parent
    (folder / "config.json").write_text(json.dumps({"config": config}))
    (folder / "results.json").write_text(json.dumps({"step": 1, "metrics": metrics}))
    used_or_refused(outliers.table, [folder])


@SOME
@hypothesis.given(st.text(max_size=60) | st.binary(max_size=60))
def test_tables_of_attributes(tmp_path_factory, text):
    content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    file = _file(tmp_path_factory, "a.csv", content)
    data = SimpleNamespace(class_names=(), num_classes=2)
    used_or_refused(attributes._read, file, data)


@SOME
@hypothesis.given(st.binary(max_size=100))
def test_archives(tmp_path_factory, content):
    file = _file(tmp_path_factory, "a.npz", b"PK\x03\x04" + content)
    used_or_refused(read_images, file)
    checked = {"is_whole": folksongs._are_bars, "most": 2**20}
    fields = melody.Bars._fields
    assert cache.read(file.name, fields, str(file.parent), **checked) is None


def _file(factory, name, content):
    """A file that the examples of a test take turns to write."""
    folder = factory.getbasetemp() / "strange"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name
