"""Slots of a family: the objective, and the knobs that are parts themselves."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax

from genlab.game.turn import Draw
from genlab.part import Scheduled, ask, bound_knobs, check_needs, name_of, settled
from genlab.registry import REGISTRIES, Registry, objectives

Parts = str | Mapping | Sequence[str | Mapping] | None

ALWAYS = ("label", "batch", "key", "step")  # offered in every slot beside its own


def slots_of(family: type) -> dict[str, Registry]:
    """The knobs of a family, or of a network, that are parts, each with the registry of these."""
    if not dataclasses.is_dataclass(family):
        return {}
    return {
        field.name: REGISTRIES[field.metadata["part"]]
        for field in dataclasses.fields(family)
        if "part" in field.metadata
    }


def several(registry: str, player: str | None = None) -> Mapping[str, Any]:
    """What the field of a family says that holds a part of a registry, or a list of them, in the loss of a
    player."""
    return {"part": registry, "several": True, "player": player}


def takes_several(family: type, slot: str) -> bool:
    """Whether a list of parts may be chosen for a slot."""
    fields = {field.name: field for field in dataclasses.fields(family)}
    return fields[slot].metadata.get("several", False)


def player_of(family: type, slot: str) -> str | None:
    """Whose loss the parts in a slot belong to, where the slot says so."""
    fields = {field.name: field for field in dataclasses.fields(family)}
    return fields[slot].metadata.get("player")


def parts_in(experiment: Any, slot: str) -> dict[str, Callable]:
    """The parts that a config chose for a slot, built, by what it calls them."""
    if slot == "objective":
        return {name_of(experiment.objective): experiment.objective}
    registry = slots_of(type(experiment))[slot]
    return {
        name: registry.choose(choice)
        for name, choice in _named(getattr(experiment, slot))
    }


def scheduled_knobs(experiment: Any) -> Iterator[Scheduled]:
    """Every float of a family and of its parts that follows a schedule."""
    slots = ("objective", *slots_of(type(experiment)))
    parts = [part for slot in slots for part in parts_in(experiment, slot).values()]
    for thing in (experiment, *parts):
        knobs = bound_knobs(thing).values()
        yield from (knob for knob in knobs if isinstance(knob, Scheduled))


def check_needs_of_parts(name: str, experiment: Any, has_label: bool) -> None:
    """Raises InputError at the first part that needs what the family does not offer it.

    Args:
      name: of the family.
      experiment: of this family.
      has_label: whether examples come with a label.
    """
    registries = {"objective": objectives, **slots_of(type(experiment))}
    for slot, offered in experiment.OFFERS.items():
        for part_name, part in parts_in(experiment, slot).items():
            what = f"{registries[slot].kind} {part_name!r}"
            known = (*offered, *ALWAYS)
            check_needs(what, part, known, repr(name), slot)
            if not has_label:
                known = [need for need in known if need != "label"]
                check_needs(what, part, known, f"{name!r} of unlabelled data", slot)


def ask_part(
    experiment: Any,
    slot: str,
    part: Callable,
    draw: Draw,
    stream: str,
    knobs: Mapping[str, Any],
    offered: Mapping[str, Any],
) -> Any:
    """What a part in a slot makes of a draw: see `Experiment.ask`.

    Raises:
      InputError: it needs what is not offered.
      ValueError: the family offers other values than it declares.
    """
    declared = experiment.OFFERS.get(slot, offered)
    if set(offered) - {"memory"} != set(declared) - {"memory"}:
        raise ValueError(
            f"{name_of(experiment)!r} declares that it offers its {slot}"
            f" {sorted(declared)}, and offers {sorted(offered)}"
        )
    values = {**offered, "batch": draw.batch, "step": draw.step}
    values["key"] = draw.key(stream)
    if "label" in draw.batch:
        values["label"] = draw.batch["label"]
    now = functools.partial(settled(part, draw.step), **knobs)
    with jax.named_scope(f"{slot} {name_of(part)}"):
        return ask(now, values, name_of(experiment), slot)


def _named(chosen: Any) -> Iterator[tuple[str, Any]]:
    """Each choice of a slot with its name: of None none, of a list several."""
    several = chosen if isinstance(chosen, list | tuple) else [chosen]
    for choice in several:
        if choice is not None:
            yield choice if isinstance(choice, str) else choice["name"], choice
