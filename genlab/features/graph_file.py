"""Frozen graphs of TensorFlow read without TensorFlow: their constants, and nothing else.

Such a file is a protocol buffer: messages of numbered fields, some of which are messages. This reader
knows the five that lead to the numbers of a constant and passes over all other fields, so whatever a
graph would compute is never looked at.
"""

import math
from collections.abc import Iterator

import numpy as np

from genlab.errors import InputError

GRAPH = b"\n"  # how one begins: field 1, a message

# Fields of the messages, by the numbers that TensorFlow's `*.proto` files give them.
_NODE = 1  # of GraphDef
_NAME, _OPERATION, _ATTRIBUTE = 1, 2, 5  # of NodeDef
_KEY, _VALUE = 1, 2  # of an entry of its attributes
_TENSOR = 8  # of AttrValue
_TYPE, _SHAPE, _CONTENT = 1, 2, 4  # of TensorProto
_DIMENSION, _SIZE = 2, 1  # of TensorShapeProto and its Dim

_MOST_DIMENSIONS = 8

# Types of tensors: how their numbers lie in the content, and the field that may list them instead.
_TYPES = {1: ("<f4", 5), 2: ("<f8", 6)}

_VARINT, _LONG, _BYTES, _SHORT = 0, 1, 2, 5  # of the wire: how a field is written
_SIZES = {_LONG: 8, _SHORT: 4}

# What conversions let through from a damaged file.
_BROKEN = (LookupError, OverflowError, TypeError, ValueError)


def read_constants(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The constants of a frozen graph that are floats, by their names; they may not be written to.

    Args:
      content: of the whole file.
      name: what messages call it.

    Raises:
      InputError: a file that is damaged, that is no frozen graph, or whose constants claim to be more
        than it holds.
    """
    found: dict[str, np.ndarray] = {}
    try:
        for number, node in _fields(memoryview(content)):
            if number == _NODE and (constant := _constant(node)):
                key, array = constant
                if key in found:
                    raise ValueError(f"two constants {key!r}")
                found[key] = array
    except _BROKEN as error:
        raise InputError(
            f"{name} is no whole frozen graph of TensorFlow ({error})"
        ) from None
    # A constant of equal numbers is written as one of them, and may say that they are many.
    if sum(array.nbytes for array in found.values()) > 2 * len(content):
        raise InputError(f"{name} claims to hold more than it does")
    return found


def _constant(node: memoryview) -> tuple[str, np.ndarray] | None:
    """Name and numbers of a node that is a constant of floats; None for all others."""
    named, array = {_NAME: b"", _OPERATION: b""}, None
    for number, value in _fields(node):
        if number in named:
            named[number] = value
        elif number == _ATTRIBUTE:
            entry = _last(value, _KEY, _VALUE)
            if entry.get(_KEY) == b"value":
                tensor = _last(entry[_VALUE], _TENSOR).get(_TENSOR)
                array = None if tensor is None else _array(tensor)
    if array is None or named[_OPERATION] != b"Const":
        return None
    return str(named[_NAME], "utf-8"), array


def _array(tensor: memoryview) -> np.ndarray | None:
    """The numbers of a tensor; None where they are no floats."""
    once = _last(tensor, _TYPE, _SHAPE, _CONTENT)
    if once.get(_TYPE) not in _TYPES:
        return None
    kind, field = _TYPES[once[_TYPE]]
    shape = _shape(once.get(_SHAPE, memoryview(b"")))
    content = once.get(_CONTENT)
    if content is None:
        content = b"".join(x for number, x in _fields(tensor) if number == field)
    numbers = np.frombuffer(content, kind)
    if len(numbers) == 1:
        return np.broadcast_to(numbers[0], shape)
    if len(numbers) != math.prod(shape):
        raise ValueError(f"{len(numbers)} numbers for the shape {shape}")
    return numbers.reshape(shape)


def _shape(message: memoryview) -> tuple[int, ...]:
    sizes = []
    for number, dimension in _fields(message):
        if number == _DIMENSION:
            sizes.append(_last(dimension, _SIZE).get(_SIZE, 0))
        if len(sizes) > _MOST_DIMENSIONS:
            raise ValueError(f"a shape of more than {_MOST_DIMENSIONS} dimensions")
    return tuple(sizes)


def _last(message: memoryview, *wanted: int) -> dict[int, int | memoryview]:
    """The wanted fields of a message by their numbers; of one that comes twice the last counts."""
    return {number: value for number, value in _fields(message) if number in wanted}


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message: whole numbers, or bytes that are a message again."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        size = _SIZES.get(kind)
        if kind == _BYTES:
            size, place = _varint(message, place)
        if size is None:
            raise ValueError(f"a field written in way {kind}")
        if place + size > len(message):
            raise ValueError("it ends in the middle of a field")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = 0
    for index in range(10):
        if place + index >= len(message):
            raise ValueError("it ends in the middle of a number")
        byte = message[place + index]
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, place + index + 1
    raise ValueError("a number of more than ten bytes")
