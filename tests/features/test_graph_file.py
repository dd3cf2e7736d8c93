"""Frozen graphs of TensorFlow, read without TensorFlow; written here by its protocol buffers, which
tensorboardX carries."""

import numpy as np
import pytest
from tensorboardX.proto.graph_pb2 import GraphDef

from benchmarks import fidelity
from genlab.errors import InputError
from genlab.features import inception_graph
from genlab.features.graph_file import read_constants
from genlab.features.inception import inception, variables_of
from genlab.features.inception_network import LAYERS, Inception
from genlab.features.weights import Tensors, sha256_of

FLOAT, DOUBLE, STRING = 1, 2, 7


def constant(graph: GraphDef, name: str, array: np.ndarray, how="content") -> None:
    """Adds a constant, its numbers as bytes or as a list."""
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = FLOAT
    tensor = node.attr["value"].tensor
    tensor.dtype = DOUBLE if array.dtype == np.float64 else FLOAT
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if how == "content":
        tensor.tensor_content = array.tobytes()
    elif array.dtype == np.float64:
        tensor.double_val.extend(array.ravel())
    else:
        tensor.float_val.extend(array.ravel())


def small() -> tuple[bytes, dict[str, np.ndarray]]:
    """A graph of constants in all ways that they are written in, and of other things."""
    graph = GraphDef()
    graph.versions.producer = 8
    decode = graph.node.add(name="DecodeJpeg", op="DecodeJpeg", input=["contents"])
    decode.attr["channels"].i = -3
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays = {"a": kernel, "b": -kernel[0], "c": np.array([0.5, 2.0])}
    constant(graph, "a", kernel)
    constant(graph, "b", arrays["b"], "list")
    constant(graph, "c", arrays["c"], "list")
    constant(graph, "scalar", np.float32(2.5).reshape(()))
    constant(graph, "ones", np.float32(1).reshape(()), "list")
    graph.node[-1].attr["value"].tensor.tensor_shape.dim.add(size=5)
    arrays |= {"scalar": np.float32(2.5), "ones": np.ones(5, np.float32)}
    constant(graph, "empty", np.zeros((0, 2), np.float32))
    arrays["empty"] = np.zeros((0, 2), np.float32)
    text = graph.node.add(name="text", op="Const").attr["value"].tensor
    text.dtype = STRING
    text.string_val.append(b"words")
    graph.node.add(name="a/read", op="Identity", input=["a"])
    variable = graph.node.add(name="variable", op="Variable")
    variable.attr["value"].tensor.CopyFrom(graph.node[1].attr["value"].tensor)
    return graph.SerializeToString(), arrays


def test_constants_are_those_of_the_graph():
    content, arrays = small()
    found = read_constants(content, "it")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, name)
        assert found[name].dtype == array.dtype
        assert not found[name].flags.writeable


def test_damage_is_one_line():
    content, _ = small()
    for wrong in (content[:-3], content[: len(content) // 2], b"\n\xff\xff", b"\n"):
        with pytest.raises(InputError, match="it is no whole frozen graph") as refused:
            read_constants(wrong, "it")
        assert "\n" not in str(refused.value)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 0x55
        try:
            found = read_constants(bytes(flipped), "it")
        except InputError:
            continue
        assert all(isinstance(array, np.ndarray) for array in found.values())


def claim(*sizes: int, count: int = 1) -> bytes:
    """A graph that says that a few numbers are many."""
    graph = GraphDef()
    constant(graph, "a", np.ones(count, np.float32), "list")
    shape = graph.node[0].attr["value"].tensor.tensor_shape
    del shape.dim[:]
    for size in sizes:
        shape.dim.add(size=size)
    return graph.SerializeToString()


def test_no_constant_is_more_than_the_file():
    with pytest.raises(InputError, match="claims to hold more than it does"):
        read_constants(claim(10**6), "it")
    for content in (
        claim(3, count=2),
        claim(-1),
        claim(2**62, 2**62),
        claim(*[1] * 9),
        claim(2**40, 0, count=2),
    ):
        with pytest.raises(InputError, match="no whole frozen graph"):
            read_constants(content, "it")
    twice = GraphDef()
    for _ in range(2):
        constant(twice, "a", np.ones(1, np.float32))
    with pytest.raises(InputError, match="two constants 'a'"):
        read_constants(twice.SerializeToString(), "it")


def graph_of(state: dict[str, np.ndarray]) -> bytes:
    """The graph of 2015 with the numbers of a state dict of PyTorch, as far as it goes."""
    graph = GraphDef()
    parts = {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    for ours, theirs in inception_graph.names().items():
        if f"{ours}.conv.weight" not in state:
            continue
        kernel = state[f"{ours}.conv.weight"].transpose(2, 3, 1, 0)
        constant(graph, f"{theirs}/conv2d_params", kernel)
        for name, part in parts.items():
            constant(graph, f"{theirs}/batchnorm/{name}", state[f"{ours}.bn.{part}"])
    constant(graph, "softmax/weights", state["fc.weight"].T)
    constant(graph, "softmax/biases", state["fc.bias"])
    return graph.SerializeToString()


def test_names_are_those_of_the_public_graph():
    """As torch-fidelity's and pytorch-fid's conversions list them, some of each kind of block."""
    names = inception_graph.names()
    assert len(names) == len(set(names.values())) == 94
    for ours, theirs in {
        "Conv2d_1a_3x3": "conv",
        "Conv2d_4a_3x3": "conv_4",
        "Mixed_5b.branch1x1": "mixed/conv",
        "Mixed_5b.branch5x5_2": "mixed/tower/conv_1",
        "Mixed_5d.branch3x3dbl_3": "mixed_2/tower_1/conv_2",
        "Mixed_5c.branch_pool": "mixed_1/tower_2/conv",
        "Mixed_6a.branch3x3": "mixed_3/conv",
        "Mixed_6a.branch3x3dbl_1": "mixed_3/tower/conv",
        "Mixed_6e.branch7x7_3": "mixed_7/tower/conv_2",
        "Mixed_6b.branch7x7dbl_5": "mixed_4/tower_1/conv_4",
        "Mixed_7a.branch3x3_2": "mixed_8/tower/conv_1",
        "Mixed_7a.branch7x7x3_4": "mixed_8/tower_1/conv_3",
        "Mixed_7b.branch3x3_1": "mixed_9/tower/conv",
        "Mixed_7b.branch3x3_2a": "mixed_9/tower/mixed/conv",
        "Mixed_7b.branch3x3_2b": "mixed_9/tower/mixed/conv_1",
        "Mixed_7c.branch3x3dbl_2": "mixed_10/tower_1/conv_1",
        "Mixed_7c.branch3x3dbl_3b": "mixed_10/tower_1/mixed/conv_1",
        "Mixed_7c.branch_pool": "mixed_10/tower_2/conv",
    }.items():
        assert names[ours] == theirs, ours


@pytest.mark.parametrize(
    "layer", [LAYERS[0], pytest.param(LAYERS[-1], marks=pytest.mark.full)]
)
def test_inception_is_the_same_from_either_file(layer, tmp_path):
    state = fidelity.random_state(layer=layer)
    content = graph_of(state)
    network = Inception(layer=layer, bias=layer == LAYERS[-1])
    expected = variables_of(network, Tensors("torch", "", state))["params"]
    path = tmp_path / "graph.pb"
    path.write_bytes(content)
    sha256 = sha256_of(str(path))
    knobs = dict(layer=layer, bias=network.bias, sha256=sha256)
    features = inception(weights=str(path), **knobs)
    assert features.name.startswith(f"inception_{sha256[:8]}")
    assert not features.original
    found = features.variables["params"]
    assert found.keys() == expected.keys()
    for name, leaves in expected.items():
        for leaf, array in leaves.items():
            np.testing.assert_array_equal(found[name][leaf], array, name)
    with pytest.raises(InputError, match=f"sha256='{sha256}' take it"):
        inception(weights=str(path), layer=layer)
    other = Tensors("it", "", {"softmax/weights": np.ones(2)})
    with pytest.raises(InputError, match="it lacks 'conv/conv2d_params'"):
        variables_of(network, other)
