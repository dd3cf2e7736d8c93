"""Whether the parts of a game stand each other, by what each says of itself.

| part | says | meaning |
|---|---|---|
| network | `output_range` | (low, high) of the examples that it makes; None where it has no bounds |
| network | `bounds_slope` | its slope is bounded by its weights |
| network | `is_autoencoder` | its logit is minus the error of a reconstruction |
| network | `pack` | how many examples that follow each other share a logit |
| objective | `needs_bounded_slope` | without a bound on the critic's slope it has no minimum |
| objective | `needs_autoencoder` | it is of a critic that is an autoencoder |
| objective | `needs_standard_prior` | it holds codes against N(0, I), and not against a prior that is learned |
| penalty | `bounds_slope` | it holds the critic's slope down |
| penalty | `slope_at_one_example` | it is of the slope of one logit by its own example |
| penalty | `paid_by` | the player that it moves, `discriminator` or `generator`; no other has a gradient |
| optimizer | `bounds_slope` | it keeps the critic's weights in bounds |
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.game.prior import PRIOR
from genlab.game.slots import parts_in, player_of, slots_of
from genlab.game.turn import State
from genlab.part import name_of, says
from genlab.registry import objectives


def check_output_ranges(
    experiment: Experiment, data: Dataset, low: float, high: float
) -> None:
    """Refuses networks that make examples in another range than that of the prepared ones.

    Args:
      experiment: its networks are looked at.
      data: of images, whose range is exactly that of the network, or of points inside it.
      low: the least value of a prepared example.
      high: the greatest.

    Raises:
      InputError: a network cannot reach the examples, or reaches far beyond what images may be.
    """
    for role, network in experiment.networks.items():
        made = getattr(network.module, "output_range", None)
        if made is None or tuple(made) == (low, high):
            continue
        if not data.is_image and made[0] <= low and high <= made[1]:
            continue
        name = name_of(network.module)
        raise InputError(
            f"model.{role}: {name!r} makes examples in [{made[0]:g}, {made[1]:g}], and the prepared"
            f" ones are in [{low:g}, {high:g}]; set data.value_range={tuple(made)}, or take a"
            " network of that range"
        )


def check_packs(experiment: Experiment, examples: int) -> None:
    """Refuses a network that packs examples, and devices that do not each have whole packs.

    Args:
      experiment: its networks are looked at, and those inside them.
      examples: of a batch, that one device sees.

    Raises:
      InputError: a pack does not divide them.
    """
    for role, network in experiment.networks.items():
        for pack in _packs(network.module):
            if examples % pack:
                raise InputError(
                    f"model.{role}: packs of {pack} examples do not divide the {examples} of a"
                    f" batch that a device sees; take a multiple of {pack} for each in"
                    " train.batch_size"
                )


def _packs(module: Any) -> list[int]:
    """How many examples share a logit in the networks that are inside each other."""
    return [getattr(inside, "pack", 1) for inside in _inside_each_other(module)]


def _inside_each_other(module: Any) -> Iterator[Any]:
    """A network, the one that it holds as `network`, and so on."""
    while module is not None:
        yield module
        module = getattr(module, "network", None)


def check_critics(experiment: Experiment, shapes: State) -> None:
    """Refuses critics that objective or penalties cannot do with.

    Raises:
      InputError: the objective needs a bound on the critic's slope, and no part gives one; a penalty is of
        the slope at one example, and the critic looks across the batch or judges packs; it is one that the
        player who would pay it cannot change; the objective is of an autoencoder, and the critic is none.
    """
    slots = {slot: parts_in(experiment, slot) for slot in slots_of(type(experiment))}
    for slot, chosen in slots.items():
        _check_payers(player_of(type(experiment), slot), slot, chosen.values())
    chosen = (parts_in(experiment, "objective"), *slots.values())
    parts = [part for parts in chosen for part in parts.values()]
    bounds = _bounds_of_critics(experiment, slots)
    bounded = any(says(thing, "bounds_slope", False) for thing in bounds)
    for part in parts:
        if says(part, "needs_bounded_slope", False) and not bounded:
            known = [n for n in objectives if says(objectives.find(n), "bounds_slope")]
            raise InputError(
                f"objective {name_of(part)!r} has no minimum unless the critic's slope is bounded,"
                f" and no part does that; give the experiment a penalty ({', '.join(known)}), or the"
                " critic's optimizer clip_weights"
            )
        if says(part, "needs_autoencoder", False):
            _check_autoencoders(experiment, name_of(part))
        if says(part, "slope_at_one_example", False):
            _check_examples_apart(experiment, name_of(part), shapes)


def _bounds_of_critics(experiment: Experiment, slots: Mapping[str, Any]) -> list[Any]:
    """What may bound the slope of critics: their networks, optimizers, and the parts that they pay by; a bound on a
    generator's slope is none on theirs."""
    is_critic = lambda player: (player or "").startswith("discriminator")
    paid = [
        part
        for slot, chosen in slots.items()
        if is_critic(player_of(type(experiment), slot))
        for part in chosen.values()
    ]
    optimizers = experiment.optimizers
    return [
        *paid,
        *(experiment.networks[role].module for role in _critics(experiment)),
        *(optimizers[player] for player in optimizers if is_critic(player)),
    ]


def check_priors(experiment: Experiment) -> None:
    """Raises InputError where an objective holds codes against N(0, I), and samples come from a prior that is learned."""
    if PRIOR not in experiment.networks:
        return
    for part in parts_in(experiment, "objective").values():
        if says(part, "needs_standard_prior", False):
            raise InputError(
                f"objective {name_of(part)!r} holds codes against N(0, I), and model.prior learns another prior,"
                " which it would never reach; leave model.prior out, or take another objective, such as 'elbo'"
            )


def check_classes(experiment: Experiment, data: Dataset) -> None:
    """Raises InputError for networks of fewer classes than the data has, and machines of another number."""
    for role, network in experiment.networks.items():
        for module in _inside_each_other(network.module):
            count = getattr(module, "num_classes", 0)
            of_labels = network.takes_label or role == "classifier"
            of_labels = of_labels or "classes" in getattr(module, "heads", ())
            units = getattr(module, "labels", 0)
            if (of_labels and 0 < count < data.num_classes) or (
                units and units != data.num_classes
            ):
                raise InputError(
                    f"model.{role}: {name_of(module)!r} is of {units or count} classes, and {data.name!r} has"
                    f" {data.num_classes}"
                )


def _check_examples_apart(experiment: Experiment, name: str, shapes: State) -> None:
    """Refuses a penalty on the slope at one example where logits depend on the whole batch."""
    for role in sorted(set(_critics(experiment)) & set(_normalized(shapes))):
        raise InputError(
            f"penalty {name!r} is of the slope at one example, and batch normalisation makes the"
            f" logits of model.{role} depend on the whole batch; take a critic without it"
        )
    for role in _critics(experiment):
        pack = math.prod(_packs(experiment.networks[role].module))
        if pack > 1:
            raise InputError(
                f"penalty {name!r} is of the slope at one example, and model.{role} gives {pack} of"
                " them one logit; take a critic without 'packed'"
            )


def _check_payers(player: str | None, slot: str, chosen: Iterable[Callable]) -> None:
    """Refuses what would be 0 in the gradient of the player whose loss it is added to."""
    for part in chosen:
        paid_by = says(part, "paid_by")
        if paid_by and player and not player.startswith(paid_by):
            raise InputError(
                f"experiment.{slot}: {name_of(part)!r} is paid by the {paid_by}, and nothing that the"
                f" {player} does changes it"
            )


def _check_autoencoders(experiment: Experiment, name: str) -> None:
    for role in _critics(experiment):
        module = experiment.networks[role].module
        if not getattr(module, "is_autoencoder", False):
            raise InputError(
                f"objective {name!r} is of a discriminator that is an autoencoder, and model.{role} is"
                f" {name_of(module)!r}; 'autoencoder_discriminator' makes one of an encoder and"
                " a decoder"
            )


def _critics(experiment: Experiment) -> list[str]:
    return [role for role in experiment.networks if role.startswith("discriminator")]


def _normalized(shapes: State) -> dict:
    """Roles that look across the batch, by the statistics that they keep."""
    return shapes.extra.get("batch_stats", {})
