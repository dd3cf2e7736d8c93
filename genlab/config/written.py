"""A config written out as a config file that says what its keys mean and what its parts accept."""

import ast
import io
import tokenize
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from genlab.config.files import CONFIGS
from genlab.config.keys import LISTS, as_part, is_fact, knobs_of, registry_of
from genlab.numbers import range_of
from genlab.registry import Registry

_HEAD = '''\
"""{origin}, as `genlab --print-config` wrote it; `genlab --config=FILE` trains it.

Knobs in comments are what a part accepts besides, with their defaults.
"""

from genlab import base_config


def get_config():
    config = base_config()
'''
_WIDTH = 88


def written(config: dict[str, Any], origin: str) -> str:
    """A plain config as a config file.

    Args:
      config: with all its overrides.
      origin: where it is from, for the header.
    """
    page = _Page(config, meanings((CONFIGS / "base.py").read_text()))
    lines = [_HEAD.format(origin=origin.replace("\\", "/").replace('"', "'"))]
    for key in page.in_order(config, []):
        above = page.meanings.get(f"{key}:", "")
        block = page.block(f"config.{key} = ", config[key], [key], "")
        told = [f"# {line}" for line in above.splitlines()]
        lines += [f"    {line}" for line in (*told, *block)]
    return "\n".join([*lines, "    return config"])


@dataclass(frozen=True)
class _Page:
    """What the lines are written from: the config, and what its keys mean."""

    config: dict[str, Any]
    meanings: dict[str, str]

    def in_order(self, tree: dict[str, Any], path: list[str]) -> list[str]:
        """Keys as `configs/base.py` has them, a name before all others."""
        order = {key: place for place, key in enumerate(self.meanings)}
        place = lambda key: order.get(".".join([*path, key]), len(order))
        return sorted(tree, key=lambda key: (key != "name", place(key)))

    def block(self, begin: str, value: Any, path: list[str], end: str) -> list[str]:
        """The lines of a value: what stands before it, the value, what stands behind it."""
        key = ".".join(path)
        meaning = f"  # {told}" if (told := self.meanings.get(key)) else ""
        line = f"{begin}{_spelled(value)}{end}"
        inside = [*self._inside(value, path), *self._besides(value, path)]
        bare = not any("# " in text for text in inside)
        if key in LISTS or not inside or (bare and len(line) <= _WIDTH):
            return [f"{line}{meaning}", *(text for text in inside if text[0] == "#")]
        opening, closing = _brackets(value)
        indented = [f"    {text}" for text in inside]
        return [f"{begin}{opening}{meaning}", *indented, f"{closing}{end}"]

    def _inside(self, value: Any, path: list[str]) -> list[str]:
        """The lines of what a dict or a list holds."""
        lines = []
        if isinstance(value, dict):
            named = _are_names(value)
            for key in self.in_order(value, path):
                begin = f"{key}=" if named else f"{_spelled(key)}: "
                lines += self.block(begin, value[key], [*path, key], ",")
        elif isinstance(value, list):
            for item in value:
                lines += self.block("", item, [*path, "*"], ",")
        return lines

    def _besides(self, value: Any, path: list[str]) -> list[str]:
        """What a part, or the parts in a list, accept and leave at their defaults."""
        if (registry := LISTS.get(".".join(path))) is not None:
            parts = [as_part(item, ".".join(path)) for item in value]
            told = [(part["name"], _unset(registry, part)) for part in parts]
            return [f"# {name}: {' '.join(k.values())}" for name, k in told if k]
        if not knobs_of(self.config, path, value):
            return []
        registry = registry_of(self.config, path)
        ranges = registry.annotations(value["name"])
        return [
            f"# {text}"
            + (f"  # {told}" if (told := range_of(ranges.get(knob))) else "")
            for knob, text in _unset(registry, value).items()
        ]


def _unset(registry: Registry, part: dict[str, Any]) -> dict[str, str]:
    """Knobs that a part accepts and that are not set, as one would set them to their defaults; not
    those that are filled in."""
    kinds = (bool, int, float, str, tuple, type(None))
    return {
        knob: f"{knob}={_spelled(default)},"
        for knob, default in registry.knobs(part["name"]).items()
        if knob not in part and isinstance(default, kinds)
        if not is_fact(registry, knob)
    }


def _are_names(value: dict[str, Any]) -> bool:
    """Whether the keys of a dict can be written as those of `dict(...)`."""
    return all(key.isidentifier() and not iskeyword(key) for key in value)


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, list):
        return "(", ")"
    return ("dict(", ")") if _are_names(value) else ("{", "}")


def _spelled(value: Any) -> str:
    """A value as one would write it into a config."""
    if isinstance(value, dict):
        opening, closing = _brackets(value)
        spell = "{}={}" if _are_names(value) else "{!r}: {}"
        keys = sorted(value, key=lambda key: key != "name")
        items = [spell.format(key, _spelled(value[key])) for key in keys]
        return f"{opening}{', '.join(items)}{closing}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_spelled, value))}{',' * (len(value) == 1)})"
    if isinstance(value, str) and value.isprintable() and not set(value) & {*'"\\'}:
        return f'"{value}"'
    return repr(value)


def meanings(source: str) -> dict[str, str]:
    """What the comments of `configs/base.py` say, by dotted key in its order, empty for a key without
    one; under `KEY:` what stands above it."""
    comments, alone = {}, {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            text = token.string.removeprefix("# ")
            begins = not token.line[:column].strip()
            (alone if begins else comments)[line] = text
    found = {}
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    for node in functions[0].body:  # `get_config`
        match node:
            case ast.Assign(targets=[ast.Attribute(ast.Name("config"), key)]):
                above = node.lineno
                while above - 1 in alone:
                    above -= 1
                text = "\n".join(alone[line] for line in range(above, node.lineno))
                found |= {f"{key}:": text} if text else {}
                places = {key: node} | {
                    f"{key}.{keyword.arg}": keyword
                    for keyword in getattr(node.value, "keywords", ())
                }
                # A comment on a line of several is of the innermost.
                by_line = {place.end_lineno: name for name, place in places.items()}
                found |= dict.fromkeys(places, "")
                found |= {n: comments[i] for i, n in by_line.items() if i in comments}
    return found
