"""Mutations: valid text, bytes and JSON made odd, and odd values from nothing."""

import copy
import functools
import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

WORDS = (
    *(
        "",
        "None",
        "true",
        "False",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1",
        "0",
        "1",
        "2.5",
    ),
    *("1e-400", "10**12", "9" * 400, "0x10", "1_000", "()", "(1,)", "[1, [2]]", "{}"),
    *("{1, 2}", "b'x'", "...", "1j", "'", '"""', "\\", "\0", "\n", "\u2028", "é", "🎲"),
    *(
        "\ud800",
        "../../etc/passwd",
        "~",
        "os:system",
        "a:b:c",
        ":",
        "name",
        "=",
        ";",
        ",",
    ),
    *("__class__", "{0}", "%s", "[red]", "-", "--", "lambda: 0", "f()", "(" * 300),
    *("x" * 5000, "adam", "minimax", "tiny", "$HOME", "\x1b[2J", "<script>", "1, 2"),
)

ODD = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63), 2**64, 10**30, 0.5, -0.0),
    *(
        1e308,
        math.nan,
        math.inf,
        -math.inf,
        "",
        "x",
        "\0",
        "\ud800",
        [],
        {},
        [[]],
        [None],
    ),
    *({"": None}, {"name": None}, {"name": "x"}, ["x"] * 50, "9" * 50, "train"),
)


class Faithful(random.Random):
    """Random numbers by which every mutation leaves what is valid as it is."""


def _unless_faithful(mutate: Callable) -> Callable:
    @functools.wraps(mutate)
    def kept(generator: random.Random, valid: Any) -> Any:
        return valid if isinstance(generator, Faithful) else mutate(generator, valid)

    return kept


@_unless_faithful
def text(generator: random.Random, valid: str) -> str:
    """A valid text with a few letters or words changed, or an odd one."""
    if generator.random() < 0.2:
        return "".join(generator.choices(WORDS, k=generator.randint(1, 4)))
    letters = list(valid)
    for _ in range(generator.randint(1, 4)):
        place = generator.randint(0, len(letters))
        match generator.randrange(4):
            case 0:
                letters[place:place] = generator.choice(WORDS)
            case 1:
                del letters[place : place + generator.randint(1, 8)]
            case 2:
                letters[place : place + 1] = chr(
                    generator.choice((generator.randrange(128), 0x2603))
                )
            case 3:
                start = generator.randint(0, len(letters))
                letters[place:place] = letters[start : start + generator.randint(1, 30)]
    return "".join(letters)


@_unless_faithful
def data(generator: random.Random, valid: bytes) -> bytes:
    """Valid bytes with bits flipped, parts cut, doubled, zeroed or replaced."""
    if generator.random() < 0.05:
        return generator.randbytes(generator.choice((0, 1, 3, 16, 500)))
    found = bytearray(valid)
    # A header holds more sense than what follows, and a directory may be at the end.
    reach = generator.choice((16, 64, 512, len(found)))
    for _ in range(generator.choice((1, 1, 2, 5, 20))):
        place = generator.randint(0, max(0, min(reach, len(found)) - 1))
        place = len(found) - 1 - place if generator.random() < 0.2 else place
        size = generator.choice((1, 1, 2, 4, 8, 50))
        match generator.randrange(6):
            case 0 if found:
                found[place] ^= 1 << generator.randrange(8)
            case 1:
                del found[place : place + size]
            case 2:
                found[place:place] = generator.randbytes(size)
            case 3:
                end = min(len(found), place + size)
                found[place:end] = generator.choice((b"\0", b"\xff")) * (end - place)
            case 4:
                found[place:place] = found[place : place + size]
            case 5 if generator.random() < 0.3:
                del found[place:]
    return bytes(found)


def some_data(generator: random.Random, valid: bytes) -> bytes:
    """As `data` in one of three cases, for what is odd already: checksums refuse most changed bytes."""
    return data(generator, valid) if generator.random() < 1 / 3 else valid


@_unless_faithful
def tree(generator: random.Random, valid: Any) -> Any:
    """A JSON value in which a few entries are odd, gone, doubled or from elsewhere in it."""
    changed = json.loads(json.dumps(valid))
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        changed = _change(generator, changed)
    return changed


def document(generator: random.Random, valid: Any) -> bytes:
    """The bytes of a JSON file: mostly of a mutated value, else of mutated text."""
    if generator.random() < 0.7:
        written = json.dumps(tree(generator, valid), indent=1)
    else:
        written = text(generator, json.dumps(valid))
    encoded = written.encode("utf-8", errors="surrogatepass")
    return data(generator, encoded) if generator.random() < 0.15 else encoded


def lines(generator: random.Random, valid: list[Any]) -> bytes:
    """The bytes of a file of JSON lines, some of them mutated, doubled, gone or cut short."""
    written, kept = [], isinstance(generator, Faithful)
    for value in valid:
        draw = 0.0 if kept else generator.random()
        if draw < 0.6:
            written.append(json.dumps(value).encode())
        elif draw < 0.9:
            written.append(document(generator, value).replace(b"\n", b" "))
        elif draw < 0.95:
            written += 2 * [json.dumps(value).encode()]
    end = instead(generator, b"\n", 0.6, (b"", b"\r\n", b"\n\n"))
    whole = b"\n".join(written) + end
    return data(generator, whole) if generator.random() < 0.2 else whole


def instead(
    generator: random.Random, valid: Any, share: float, odd: Sequence = ODD
) -> Any:
    """An odd value, in so large a share of all cases, else the valid one."""
    if isinstance(generator, Faithful) or generator.random() >= share:
        return valid
    return copy.deepcopy(generator.choice(odd))


def _change(generator: random.Random, value: Any) -> Any:
    """The value with one entry changed, at a depth that is drawn."""
    if not isinstance(value, dict | list) or not value or generator.random() < 0.15:
        return _replacement(generator, value)
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = generator.choice(list(keys))
    draw = generator.random()
    if draw < 0.1:
        del value[key]
    elif draw < 0.2 and isinstance(value, dict):
        value[generator.choice(WORDS)] = instead(generator, None, 1.0)
    elif draw < 0.2:
        value.insert(key, copy.deepcopy(value[key]))
    elif draw < 0.3:
        value[key] = copy.deepcopy(value[generator.choice(list(keys))])
    else:
        value[key] = _change(generator, value[key])
    return value


def _replacement(generator: random.Random, value: Any) -> Any:
    if isinstance(value, int | float) and generator.random() < 0.5:
        return generator.choice((-value, value + 1, value * 10**9, str(value), [value]))
    if isinstance(value, str) and generator.random() < 0.5:
        return text(generator, value)
    return instead(generator, None, 1.0)
