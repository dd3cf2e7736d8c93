"""Overrides: keys of a config set from the text of the command line."""

import ast
import types
import typing
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict, FieldReference

from genlab import trust
from genlab.config import several
from genlab.config.keys import LISTS, entered, members, registry_of, suggestion
from genlab.config.load import (
    FEEDING,
    PREPARATION,
    SELECTION,
    adopted,
    check_list,
    load,
    plain,
    type_name,
)
from genlab.config.stage import merged, stages_of
from genlab.errors import InputError, suggest
from genlab.registry import REQUIRED, Registry, datasets, schedules
from genlab.values import check, is_unset, items, simple

NONE_AT_WILL = ("data.degrade",)  # parts that no default says may be left out


def resolved(
    config: str | ConfigDict, overrides: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config, or that of a file, with its overrides as it is recorded, and what they set."""
    config = load(config) if isinstance(config, str) else adopted(config, "the config")
    changed = apply(config, overrides)
    return plain(config), changed


def apply(config: ConfigDict, overrides: Mapping[str, str]) -> dict[str, Any]:
    """Sets every override, choices of parts, by their names too, before their knobs; returns the values set."""
    depth = lambda key: (key.count("."), not key.endswith(".name"))
    return {
        key: override(config, key, overrides[key])
        for key in sorted(overrides, key=depth)
    }


def parts_of(registry: Registry, text: str, flag: str) -> tuple[Any, ...]:
    """The metrics or plots that `text` chooses: names, comma-separated, or a tuple as in a config.

    Raises:
      InputError: an unknown part or knob, one chosen twice, or no tuple of names and parts; names the
        flag.
    """
    if text.startswith(("(", "[")):
        chosen = _literal(text)
        if not isinstance(chosen, tuple | list):
            raise InputError(
                f"{flag}={text!r} is no tuple of names and parts, such as"
                " \"('NAME', {'name': 'OTHER', 'num': 100})\""
            )
    else:
        chosen = _names(text)
    return chosen_parts(registry, chosen, flag)


def part_of(registry: Registry, text: str, flag: str) -> dict[str, Any]:
    """The one part that `text` chooses: its name, or a dict of its name and knobs.

    Raises:
      InputError: an unknown part or knob, or neither of both; names the flag.
    """
    part = _literal(text) if text.startswith("{") else {"name": text}
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise InputError(
            f"{flag}={text!r} is no {registry.kind}: NAME, or \"{{'name': 'NAME', 'KNOB': 100}}\""
        )
    check(part, flag)
    trust.vouch(part)
    name = part["name"]
    registry.check_knobs(name, {knob: v for knob, v in part.items() if knob != "name"})
    return part


def chosen_parts(
    registry: Registry, chosen: Sequence[Any], key: str
) -> tuple[Any, ...]:
    """The metrics or plots that a user names; `key` is what a message calls them.

    Raises:
      InputError: an unknown part or knob, or one chosen twice.
    """
    check(chosen, key)
    trust.vouch(chosen)
    home = next(key for key, listed in LISTS.items() if listed is registry)
    check_list(registry, chosen, home)
    return tuple(chosen)


def override(config: ConfigDict, key: str, text: str) -> Any:
    """Sets `config.key` from the text of a command-line flag and returns the value set.

    The value takes the type of the one it replaces; a knob that its part annotates as one number or
    several, `int | Sequence[int]`, takes both, and one annotated `float | None` takes None. A part
    named without knobs replaces the part with its knobs, `--config.objective=minimax`, as does a dict
    of a name and knobs. A knob that the config leaves at its default is set by its name:
    `--config.objective.real_label=0.9`; of a part among several it is
    `--config.experiment.penalty.r1.weight=0.1`.

    Raises:
      InputError: no such key or knob, or a text that does not have the type.
    """
    *path, last = key.split(".")
    if path and path[0] == "stages":
        return _override_stage(config, path[1:], last, text)
    if several.is_of_one(config, key):
        return several.override_one(config, key, text, override)
    home: Any = config
    for depth, step in enumerate(path):
        if not isinstance(home, ConfigDict) or step not in home:
            _refuse_key(config, home, path[: depth + 1], key, text)
        home = entered(config, home, path[: depth + 1])
    if not isinstance(home, ConfigDict):
        _refuse_key(config, home, [*path, last], key, text)
    registry, chosen = registry_of(config, path), registry_of(config, [*path, last])
    default = _default_of_knob(registry, home, key) if registry else REQUIRED
    if registry is None and len(path) > 1:
        default = _default_in_schedule(config, path, last)
    added = chosen is not None and _may_be_added(config, path, last)
    if last not in home and default is REQUIRED and not added:
        _refuse_key(config, home, [*path, last], key, text)
    old = _old(home, last, default)
    kinds = _kinds(registry, home, last) if registry else frozenset()
    may_be_none = default is None or type(None) in kinds or key in NONE_AT_WILL
    if chosen is not None and text == "None" and not may_be_none:
        raise InputError(f"config.{key}=None chooses no {chosen.kind}")
    listed = _literal(text) if text.startswith(("(", "[")) else None
    if isinstance(listed, tuple | list) and several.takes_several(config, key):
        check(listed, f"config.{key}")
        value = tuple(listed)
    elif chosen is not None and text != "None":
        kept = PREPARATION + SELECTION + FEEDING if chosen is datasets else ()
        known = {knob: old[knob] for knob in kept if knob in (old or {})}
        value = ConfigDict({**known, **_part(key, text)})
    elif isinstance(old, ConfigDict) and chosen is None:
        raise InputError(f"config.{key} is a section; set one of {', '.join(old)}")
    else:
        value = _parse(
            key,
            text,
            old,
            may_be_none=may_be_none,
            may_be_many=bool(kinds & {int, float})
            and bool(kinds & {Sequence, tuple, list}),
        )
    with home.unlocked(), home.ignore_type():
        home[last] = value
    taken = _part(key, text) if isinstance(value, ConfigDict) else value
    trust.vouch(taken)
    return text if isinstance(value, ConfigDict) else value


def _part(key: str, text: str) -> dict[str, Any]:
    """The part that a text chooses: its name, or the dict of a name and knobs."""
    part = _literal(text) if text.startswith("{") else {"name": text}
    if not isinstance(part, dict) or "name" not in part:
        raise InputError(f"config.{key}={text!r} chooses no part: dict(name=...)")
    return check(part, f"config.{key}")


def _old(home: ConfigDict, key: str, default: Any) -> Any:
    """The value that is replaced; an example of its type for a placeholder, None where none is known."""
    value = dict(items(home)).get(key, default)
    if is_unset(value):
        kind = value.get_type()
        return kind() if kind in (bool, int, float, str, tuple, list) else None
    return simple(value.get() if isinstance(value, FieldReference) else value)


def _override_stage(config: ConfigDict, path: list[str], last: str, text: str) -> Any:
    """Sets `stages.NAME.KEY`, whether the stage has the key or leaves it as in the config."""
    names = [stage.name for stage in stages_of(plain(config, complete=False))[:-1]]
    if len(path) < 1 or path[0] not in names:
        key = ".".join(["stages", *path, last])
        _refuse_key(config, dict.fromkeys(names), ["stages", *path[:1]], key, text)
    index = names.index(path[0])
    stage = config.stages[index]
    view = ConfigDict(merged(plain(config, complete=False), stage))
    value = override(view, ".".join([*path[1:], last]), text)
    section = [*path[1:], last][0]
    renewed = {**stage, section: plain(view)[section]}
    with config.unlocked():
        config.stages = (*config.stages[:index], renewed, *config.stages[index + 1 :])
    return value


def _default_of_knob(registry: Registry, part: ConfigDict, key: str) -> Any:
    """The default of the knob that the key names, REQUIRED where the part has none."""
    if not part.get("name"):
        raise InputError(f"config.{key}: choose {key.rpartition('.')[0]}.name first")
    knob, accepted = key.rpartition(".")[2], registry.knobs(part.name)
    if knob not in accepted and knob not in part:
        registry.check_knobs(part.name, {knob: None})
    default = accepted.get(knob, REQUIRED)
    return None if default is REQUIRED and knob not in part else default


def _default_in_schedule(config: ConfigDict, path: list[str], knob: str) -> Any:
    """The default of a knob of a schedule, where a float of a part follows one: of `value` that of
    the float. REQUIRED where there is no schedule at this path."""
    registry, part = registry_of(config, path[:-1]), config
    for step in path[:-1]:
        part = part[step]
    if registry is None or not registry.is_schedule(
        part.name, path[-1], part[path[-1]].to_dict()
    ):
        return REQUIRED
    if knob == "value":
        default = registry.knobs(part.name)[path[-1]]
        return None if default is REQUIRED else default
    return _default_of_knob(schedules, part[path[-1]], ".".join([*path, knob]))


def _kinds(registry: Registry, part: ConfigDict, knob: str) -> frozenset[Any]:
    """The types between which a knob's annotation leaves the choice; none where it names one."""
    told = lambda hint: typing.get_origin(hint) is typing.Annotated
    bare = lambda hint: hint.__origin__ if told(hint) else hint
    hint = bare(registry.annotations(part.name).get(knob))
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return frozenset()
    kinds = map(bare, typing.get_args(hint))
    return frozenset(typing.get_origin(kind) or kind for kind in kinds)


def _may_be_added(config: ConfigDict, path: list[str], name: str) -> bool:
    """Whether a part may lie at a place where there is none: of players and roles the family's own."""
    known = members(config, path[0]) if len(path) == 1 else ()
    return not known or name in known


def _refuse_key(
    config: ConfigDict, home: Any, path: list[str], key: str, text: str
) -> None:
    """Raises InputError for a key that there is not from `path` on; says where it may lie."""
    inside = home.keys() if isinstance(home, ConfigDict | dict) else ()
    known = (members(config, path[0]) if len(path) == 2 else ()) or inside
    close = suggest(path[-1], known)
    hint = suggestion(config, key, text)
    if not hint and "did you mean" not in close:
        hint = suggestion(config, key.rpartition(".")[2], text)
    hint = hint or close
    raise InputError(f"config has no key {'.'.join(path)!r}{hint}")


def _parse(
    key: str, text: str, old: Any, *, may_be_none: bool, may_be_many: bool
) -> Any:
    """The value of `text` in the type of the value that it replaces."""
    if isinstance(old, str) and not (text == "None" and may_be_none):
        return text
    value = _literal(text)
    check(value, f"config.{key}")
    if old is None or (value is None and may_be_none):
        return value
    if may_be_many and isinstance(value, tuple | list):
        return tuple(value)
    if may_be_many and isinstance(old, tuple | list) and type(value) in (int, float):
        return value
    if isinstance(old, float) and isinstance(value, dict):  # a schedule
        return value
    if isinstance(old, float) and type(value) is int:
        return float(value)
    if isinstance(old, tuple | list):
        if isinstance(value, str) and text == value:
            return _names(text)
        return tuple(value) if isinstance(value, tuple | list) else (value,)
    if type(old) is int and type(value) is float and value.is_integer():
        return int(value)  # 1e6
    if type(value) is not type(old):
        raise InputError(
            f"config.{key}={text!r} is not of type {type_name(old)}, such as {old!r}"
        )
    return value


def _literal(text: str) -> Any:
    """The Python literal that the text is, or the text itself."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about backslashes in it
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return {"true": True, "false": False}.get(text.lower(), text)


def _names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))
