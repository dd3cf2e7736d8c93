"""Files of torch.save, read without PyTorch: what is in them, and nothing that they ask for."""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from genlab.errors import InputError
from genlab.features.torch_file import read_tensors


def saved(value, **how) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **how)
    return file.getvalue()


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_are_those_of_torch(zipped):
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    state = module.state_dict()  # an OrderedDict with an attribute of its own
    state["view"] = torch.arange(12.0).reshape(3, 4)[1:, ::2].T
    state["shared"] = state["view"][:1]
    state["halves"] = torch.ones(3, dtype=torch.float16)
    state["empty"] = torch.zeros(0, 2)
    state["parameter"] = torch.nn.Parameter(torch.ones(2))
    found = read_tensors(saved(state, _use_new_zipfile_serialization=zipped), "it")
    assert list(found) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name], tensor.detach().numpy(), name)
        assert found[name].dtype == tensor.detach().numpy().dtype


class Nasty:
    """What a pickle can do: anything."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_that_a_pickle_names_is_run(zipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = saved(
        {"a": torch.ones(2), "b": Nasty()}, _use_new_zipfile_serialization=zipped
    )
    with pytest.raises(InputError, match=r"it names posix.mkdir, which is no tensor"):
        read_tensors(content, "it")
    assert not list(tmp_path.iterdir())


def test_more_than_tensors_is_refused():
    for value, message in (
        ({"a": torch.ones(2), "epoch": 3}, "holds int among its tensors"),
        ({"model": {"a": torch.ones(2)}}, "holds dict among its tensors"),
        ([torch.ones(2)], "holds list, not a dict"),
        (torch.nn.Linear(1, 1), "names torch.nn.modules.linear.Linear"),
        (
            {"a": torch.ones(2, dtype=torch.complex64)},
            "names torch.ComplexFloatStorage",
        ),
    ):
        with pytest.raises(InputError, match=message):
            read_tensors(saved(value), "it")


def test_damage_is_one_line():
    for zipped in (True, False):
        whole = saved({"a": torch.ones(50)}, _use_new_zipfile_serialization=zipped)
        for part in (whole[:20], whole[:-150], whole[: len(whole) // 2], whole[:1]):
            with pytest.raises(
                InputError, match="it (is no whole file|claims)"
            ) as refused:
                read_tensors(part, "it")
            assert "\n" not in str(refused.value)
        for place in range(0, len(whole), 7):
            flipped = bytearray(whole)
            flipped[place] ^= 0x55
            try:
                found = read_tensors(bytes(flipped), "it")
            except InputError:
                continue
            assert all(isinstance(array, np.ndarray) for array in found.values())


def archive(program: bytes, data: bytes = b"", method=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("x/data.pkl", program)
        made.writestr("x/data/0", data)
    return file.getvalue()


def claim(shape, strides, offset=0, size=4) -> bytes:
    """A pickle of a tensor of any shape, in a storage of four numbers."""

    class Claims(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", kind, "0", "cpu", size) if value is storage else None

    kind, storage = torch.FloatStorage, object()
    file = io.BytesIO()

    class Tensor:
        def __reduce__(self):
            rebuild = torch._utils._rebuild_tensor_v2
            return rebuild, (storage, offset, shape, strides, False, OrderedDict())

    Claims(file, 2).dump({"a": Tensor()})
    return file.getvalue()


def test_no_tensor_reaches_beyond_its_storage():
    data = struct.pack("<4f", 1, 2, 3, 4)
    found = read_tensors(archive(claim((2, 2), (1, 2)), data), "it")
    np.testing.assert_array_equal(found["a"], [[1, 3], [2, 4]])
    for wrong in (
        claim((5,), (1,)),
        claim((2, 2), (2, 2)),
        claim((4,), (1,), offset=1),
        claim((4,), (1,), offset=-1),
        claim((4,), (-1,), offset=3),
        claim((2**40, 2**20), (0, 0)),
        claim((4,), (1, 1)),
    ):
        with pytest.raises(InputError, match="is no whole file"):
            read_tensors(archive(wrong, data), "it")


def test_archives_that_grow_are_refused():
    content = archive(claim((4,), (1,)), bytes(10**6), zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="compressed"):
        read_tensors(content, "it")
