"""The keys of a config: which part lies where, and what could be set there besides what is."""

from collections.abc import Iterator
from typing import Any

from ml_collections import ConfigDict

from genlab.config.load import part_knobs
from genlab.data.augment import augmentations
from genlab.data.degrade import degradations
from genlab.errors import InputError
from genlab.game.slots import slots_of
from genlab.registry import (
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
    writers,
)
from genlab.values import items

Tree = ConfigDict | dict[str, Any]

# Keys that list parts, whatever the family.
LISTS = {
    "data.augment": augmentations,
    "eval.metrics": metrics,
    "eval.final_metrics": metrics,
    "sample.plots": plots,
    "writers": writers,
}
# What data, compute type and family fill in wherever a part takes it and the config does not set it.
FACTS = (
    *("example_shape", "image_shape", "target_shape", "example_mean", "num_classes"),
    *("class_names", "latent_dim", "code_width", "dtype", "dataset_size"),
)

_PLACES = 3  # that a message names


def registry_of(config: Tree, keys: list[str]) -> Registry | None:
    """The registry that the dict at this path chooses a part of, if it does."""
    match keys:
        case ["experiment"]:
            return experiments
        case ["objective"]:
            return objectives
        case ["start"]:
            return starts
        case ["experiment", knob]:
            return part_knobs(config["experiment"]["name"]).get(knob)
        case ["model", _]:
            return models
        case ["model", role, knob] if "name" in config["model"].get(role, ()):
            return slots_of(models.find(config["model"][role]["name"])).get(knob)
        case ["optimizer", _]:
            return optimizers
        case ["optimizer", _, "schedule"]:
            return schedules
        case ["data"]:
            return datasets
        case ["data", "degrade"]:
            return degradations
    return None


def knobs_of(config: Tree, keys: list[str], part: Any) -> dict[str, Any]:
    """Knobs, with their defaults, of the part at a path; none where no part lies there."""
    name = part.get("name") if isinstance(part, ConfigDict | dict) else None
    try:
        registry = registry_of(config, keys) if isinstance(name, str) and name else None
        return registry.knobs(name) if registry else {}
    except InputError:  # a name that there is not, which is said where it is chosen
        return {}


def as_part(item: Any, key: str) -> dict[str, Any]:
    """An item of a list of parts, which may be its name alone, as a dict of its name and knobs.

    Raises:
      InputError: it has no name.
    """
    part = {"name": item} if isinstance(item, str) else item
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise InputError(f"config.{key} holds {item!r}, no part: dict(name=...)")
    return part


def is_fact(registry: Registry, knob: str) -> bool:
    """Whether a knob is filled in; the length of a latent is a family's own."""
    own = registry is experiments and knob == "latent_dim"
    return knob in FACTS and not own


def accepted(config: Tree) -> Iterator[str]:
    """Every dotted key that an override of the config may set, sections aside."""
    yield from _accepted(config, config, [])


def _accepted(config: Tree, tree: Tree, path: list[str]) -> Iterator[str]:
    known = dict(items(tree))
    for key in {**known, **knobs_of(config, path, tree)}:
        if isinstance(known.get(key), ConfigDict | dict):
            yield from _accepted(config, known[key], [*path, key])
            continue
        yield ".".join(map(str, [*path, key]))
        slot = path == ["experiment"] and registry_of(config, [*path, key])
        listed = known.get(key) if slot else None
        for part in listed if isinstance(listed, list | tuple) else ():
            part = as_part(part, f"experiment.{key}")
            for knob in knobs_of(config, [*path, key], part):
                yield f"experiment.{key}.{part['name']}.{knob}"


def suggestion(config: Tree, key: str, text: str) -> str:
    """`; did you mean --config.train.steps=3?` for the end of a key, `steps`, otherwise nothing; of
    those that end so the ones least deep."""
    found = [path for path in accepted(config) if f".{path}".endswith(f".{key}")]
    depths = {path: path.count(".") for path in found}
    least = min(depths.values(), default=0)
    flags = [f"--config.{path}={text}" for path in found if depths[path] == least]
    more = ", ..." if len(flags) > _PLACES else ""
    return f"; did you mean {' or '.join(flags[:_PLACES])}{more}?" if flags else ""


def entered(config: ConfigDict, home: ConfigDict, path: list[str]) -> Any:
    """What lies in `home` at the last step of `path`; a part by its name alone becomes one that takes knobs."""
    value = home[path[-1]]
    if isinstance(value, str) and value and registry_of(config, path) is not None:
        with home.unlocked(), home.ignore_type():
            home[path[-1]] = value = ConfigDict({"name": value})
    return value


def members(config: Tree, section: str) -> tuple[str, ...]:
    """The players, or roles, that the config's family has; empty where it does not say."""
    family = experiments.find(config["experiment"]["name"])
    if section == "optimizer":
        return tuple(getattr(family, "PLAYERS", ()))
    roles = (*getattr(family, "ROLES", ()), *getattr(family, "OPTIONAL_ROLES", ()))
    return roles if section == "model" else ()
