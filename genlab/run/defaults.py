"""The knobs that a config leaves at their defaults, written out.

A default may change from one version to the next, of genlab or of a part of one's own. A run keeps
those that it was made with: it is opened with them, and none goes on with others unawares.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from genlab.config.keys import is_fact
from genlab.config.load import FEEDING, PREPARATION, SELECTION
from genlab.config.stage import stages_of
from genlab.data.augment import augmentations
from genlab.data.degrade import degradations
from genlab.errors import InputError
from genlab.game.slots import slots_of
from genlab.registry import (
    REQUIRED,
    Registry,
    datasets,
    experiments,
    metrics,
    models,
    objectives,
    optimizers,
    plots,
    schedules,
    starts,
)
from genlab.values import check

Defaults = dict[str, Any]  # nested like the config; of a list by the names of its parts


def defaults_of(config: Mapping[str, Any]) -> Defaults:
    """The defaults of every part that a plain config chooses, its own and those of its stages."""
    stages = {
        stage.name: {
            section: defaults
            for section, defaults in _of_sections(stage.config).items()
            if section in part  # the others are the config's own
        }
        for stage, part in zip(stages_of(config)[:-1], config["stages"], strict=True)
    }
    return _of_sections(config) | ({"stages": stages} if stages else {})


def settled(config: Any, was: Defaults, now: Defaults) -> Any:
    """The config with the defaults written out that were others.

    Args:
      config: a plain config, or what one of its keys holds.
      was: the defaults that are wanted.
      now: those that it would have.
    """
    if not isinstance(was, Mapping) or was == now:
        return config
    if isinstance(config, list):
        names = map(_name, config)
        return [
            settled(part, was.get(name), now.get(name, {}))
            for name, part in zip(names, config, strict=True)
        ]
    result = {"name": config} if isinstance(config, str) else dict(config)
    for key in was.keys() & now.keys():
        if key in result and isinstance(now[key], Mapping):
            result[key] = settled(result[key], was[key], now[key])
        elif was[key] != now[key]:
            result[key] = was[key]
    return result


def _of_sections(config: Mapping[str, Any]) -> Defaults:
    chosen = {
        key: value
        for key, value in config["data"].items()
        if key not in PREPARATION + SELECTION + FEEDING
    }
    prepared = {
        "augment": _of_several(augmentations, config["data"]["augment"]),
        "degrade": _of_part(degradations, config["data"]["degrade"]),
    }
    found = {
        "experiment": _of_part(experiments, config["experiment"]),
        "objective": _of_part(objectives, config["objective"]),
        "model": {k: _of_part(models, part) for k, part in config["model"].items()},
        "optimizer": {
            player: _of_part(optimizers, part)
            for player, part in config["optimizer"].items()
        },
        "data": _of_part(datasets, chosen) | prepared,
        "start": _of_part(starts, config["start"]),
        "eval": {
            key: _of_several(metrics, config["eval"][key])
            for key in ("metrics", "final_metrics")
        },
        "sample": {"plots": _of_several(plots, config["sample"]["plots"])},
    }
    return _without_empty(found)


def _of_several(registry: Registry, parts: Any) -> Defaults:
    parts = parts if isinstance(parts, list | tuple) else [parts]
    return {_name(part): _of_part(registry, part) for part in parts}


def _of_part(registry: Registry, part: Any) -> Defaults:
    """The defaults of a part, those of the parts inside it with them."""
    if part is None:
        return {}
    given = part if isinstance(part, Mapping) else {}
    name = _name(part)
    found = registry.find(name)
    slots = slots_of(found) if inspect.isclass(found) else {}
    defaults: Defaults = {}
    for knob, default in registry.knobs(name).items():
        value = given.get(knob, default)
        if knob in slots and isinstance(value, list | tuple):
            defaults[knob] = _of_several(slots[knob], value)
        elif knob in slots and value is not None and value is not REQUIRED:
            inner = _of_part(slots[knob], value)
            defaults[knob] = inner if knob in given else {"name": _name(value), **inner}
        elif knob in given:
            if knob == "schedule" or registry.is_schedule(name, knob, value):
                defaults[knob] = _of_part(schedules, value)
        elif default is not REQUIRED and not is_fact(registry, knob):
            defaults |= _plain(knob, default)
    return defaults


def _plain(knob: str, default: Any) -> Defaults:
    """The knob with its default, if that is a value that a config may have."""
    try:
        return {knob: check(default, knob)}
    except InputError:
        return {}


def _without_empty(tree: Defaults) -> Defaults:
    kept = {k: _without_empty(v) if isinstance(v, dict) else v for k, v in tree.items()}
    return {key: value for key, value in kept.items() if value != {}}


def _name(part: Any) -> str:
    named = isinstance(part, Mapping) and "name" in part
    return str(part["name"] if named else part)
