"""Pickles of tensors, read by an interpreter of the few operations that `torch.save` writes.

A pickle is a program. Python's own interpreter runs whatever it names, and takes what time and memory
it asks for: six bytes ask for gigabytes, and a tuple of itself, forty times over, is hashed for years.
This one builds dicts, lists, tuples, numbers, texts and tensors; a key is a text or a number, and
whatever else is named is refused before it is looked up.
"""

import pickletools
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, NamedTuple

from genlab.errors import InputError

# How the numbers of a storage lie in memory, by the name of its class.
TYPES = {
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

MOST_OPERATIONS = 2**21  # some forty for each tensor

_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_WRITTEN = (
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
)
_PASSED = ("PROTO", "FRAME")
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")


class Storage(NamedTuple):
    """Numbers in a row, by the key that they lie under in the file."""

    key: str
    kind: str
    size: int


class Tensor(NamedTuple):
    """A view of a storage, as a pickle claims it; nothing is checked yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Named(NamedTuple):
    """What a pickle names, by a name that is known."""

    name: str


def unpickle(
    file: BinaryIO, name: str, storages: dict[str, Storage] | None = None
) -> Any:
    """What the next pickle of a file makes of dicts, numbers, texts and tensors.

    Args:
      file: at the beginning of a pickle; afterwards behind its end.
      name: what messages call it.
      storages: takes those that the pickle names, by key.

    Raises:
      InputError: the pickle names anything else.
      ValueError, TypeError, LookupError: it is damaged.
    """
    machine = _Machine(name, {} if storages is None else storages)
    for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if count == MOST_OPERATIONS:
            raise ValueError(f"a pickle of more than {MOST_OPERATIONS:,} operations")
        machine.do(operation.name, argument)
    (value,) = machine.stack
    return value


class _Machine:
    """The stack and the memory of a pickle under way."""

    def __init__(self, name: str, storages: dict[str, Storage]):
        self.name, self.storages = name, storages
        self.stack: list[Any] = []
        self.marks: list[int] = []  # where the items of a tuple, list or dict begin
        self.memory: dict[int, Any] = {}

    def do(self, operation: str, argument: Any) -> None:
        """One operation."""
        stack = self.stack
        if operation in _WRITTEN:
            stack.append(argument)
        elif operation in _VALUES:
            stack.append(_VALUES[operation])
        elif operation in _PUT:
            self.memory[argument] = stack[-1]
        elif operation == "MEMOIZE":
            self.memory[len(self.memory)] = stack[-1]
        elif operation in _GET:
            stack.append(self.memory[argument])
        elif operation in _TUPLES:
            stack.append(tuple(self.popped(_TUPLES[operation])))
        elif operation in _ACTIONS:
            _ACTIONS[operation](self)
        elif operation == "GLOBAL":
            stack.append(self.known(*argument.split(" ", 1)))
        elif operation not in (*_PASSED, "STOP"):
            raise ValueError(f"{operation} is no operation that torch.save writes")

    def popped(self, count: int) -> list[Any]:
        """The topmost values, which are taken away."""
        if count > len(self.stack):
            raise ValueError("it takes more values than there are")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def items(self) -> list[Any]:
        """What lies above the last mark; both are taken away."""
        return self.popped(max(0, len(self.stack) - self.marks.pop()))

    def known(self, module: Any, attribute: Any) -> _Named:
        """What a pickle names, if it is of tensors."""
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise TypeError("a name that is no text")
        full = f"{module}.{attribute}"
        if full not in _CONSTRUCTORS and full not in _STORAGES:
            raise InputError(
                f"{self.name} names {full[:200]}, which is no tensor; nothing of it was run, and a"
                " file of weights needs no such thing"
            )
        return _Named(full)

    def fill(self, pairs: list[Any]) -> None:
        """Puts keys and values, in turns, into the dict on top."""
        home = self.stack[-1]
        if not isinstance(home, dict):
            raise TypeError("no dict to put keys into")
        home |= _dict(zip(pairs[::2], pairs[1::2], strict=True))

    def extend(self, values: list[Any]) -> None:
        """Puts values at the end of the list on top."""
        home = self.stack[-1]
        if not isinstance(home, list):
            raise TypeError("no list to put values into")
        home.extend(values)

    def call(self) -> None:
        """Makes what a name and its arguments, the topmost two, are of."""
        named, arguments = self.popped(2)
        if not isinstance(named, _Named) or named.name not in _CONSTRUCTORS:
            raise TypeError("it calls what cannot be called")
        self.stack.append(_CONSTRUCTORS[named.name](*arguments))

    def refer(self) -> None:
        """Makes a storage of its description."""
        (reference,) = self.popped(1)
        tag, kind, key, _, size, *_ = reference
        known = isinstance(kind, _Named) and kind.name in _STORAGES
        if tag != "storage" or not known:
            raise InputError(
                f"{self.name} refers to things that are no tensors' storages"
            )
        if not isinstance(key, str | int) or not isinstance(size, int):
            raise TypeError("a storage without a key or a size")
        storage = Storage(str(key), _STORAGES[kind.name], size)
        self.storages[storage.key] = storage
        self.stack.append(storage)


def _dict(pairs: Iterable[Any] = ()) -> dict[str | int, Any]:
    """Of pairs of a key and a value; a key that is more than a text or a number may take years to hash."""
    found = {}
    for key, value in pairs:
        if not isinstance(key, str | int):
            raise TypeError(f"a key is a {type(key).__name__}")
        found[key] = value
    return found


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_) -> Tensor:
    if not isinstance(storage, Storage):
        raise TypeError("a tensor without a storage")
    return Tensor(storage, offset, shape, strides)


_STORAGES = {f"torch.{kind}": kind for kind in TYPES}
_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
}
_ACTIONS: dict[str, Callable[[_Machine], Any]] = {
    "MARK": lambda machine: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.items())),
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "APPEND": lambda machine: machine.extend(machine.popped(1)),
    "APPENDS": lambda machine: machine.extend(machine.items()),
    "SETITEM": lambda machine: machine.fill(machine.popped(2)),
    "SETITEMS": lambda machine: machine.fill(machine.items()),
    "STACK_GLOBAL": lambda machine: machine.stack.append(
        machine.known(*machine.popped(2))
    ),
    "REDUCE": _Machine.call,
    "BINPERSID": _Machine.refer,
    "BUILD": lambda machine: machine.popped(1),  # attributes, which no tensor needs
}
