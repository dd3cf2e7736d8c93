"""Knobs that hold several parts, as the penalties of a GAN, and the keys of one of them.

A part in a list goes by its name: `experiment.penalty.r1.weight`.
"""

from collections.abc import Callable
from typing import Any

from ml_collections import ConfigDict

from genlab.config.keys import as_part
from genlab.config.load import part_knobs, plain
from genlab.errors import InputError
from genlab.game import slots
from genlab.registry import experiments


def takes_several(config: ConfigDict, key: str) -> bool:
    """Whether the key is of a knob of the family that takes a list of parts."""
    section, _, knob = key.partition(".")
    if section != "experiment" or knob not in part_knobs(config.experiment.name):
        return False
    return slots.takes_several(experiments.find(config.experiment.name), knob)


def is_of_one(config: ConfigDict, key: str) -> bool:
    """Whether the key is of a part in a list of them."""
    section, _, path = key.partition(".")
    slot, dot, _ = path.partition(".")
    listed = section == "experiment" and dot and config.experiment.get(slot)
    of_parts = isinstance(listed, tuple | list)
    return of_parts and takes_several(config, f"{section}.{slot}")


def override_one(
    config: ConfigDict, key: str, text: str, override: Callable[..., Any]
) -> Any:
    """Sets a knob of a part in a list, as `override` sets it of a part alone; returns the value set.

    Raises:
      InputError: no such part in the list, or as `override`.
    """
    section, slot, inside = key.split(".", 2)
    whole = plain(config, complete=False)
    parts = whole[section][slot]
    named = [as_part(part, f"{section}.{slot}") for part in parts]
    names = [part["name"] for part in named]
    # The module of an import path may have dots in it.
    name = next((name for name in names if inside.startswith(f"{name}.")), None)
    if name is None:
        hint = (
            f", and {section}.{slot}.{names[0]}.KNOB is of the first" if names else ""
        )
        raise InputError(
            f"config.{section}.{slot} has no part with the knob {inside!r}; it holds"
            f" {', '.join(names) or 'none'}{hint}"
        )
    index, view = names.index(name), ConfigDict(whole)
    with view.unlocked(), view.ignore_type():
        view[section][slot] = ConfigDict(named[index])
    knob = inside.removeprefix(f"{name}.")
    value = override(view, f"{section}.{slot}.{knob}", text)
    parts[index] = plain(view, complete=False)[section][slot]
    with config.unlocked(), config.ignore_type():
        config[section][slot] = tuple(parts)
    return value
