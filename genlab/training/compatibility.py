"""Whether the parts of a game stand each other, by what each says of itself.

| part | says | meaning |
|---|---|---|
| network | `output_range` | (low, high) of the examples that it makes; None where it has no bounds |
| network | `bounds_slope` | its slope is bounded by its weights |
| objective | `needs_bounded_slope` | without a bound on the critic's slope it has no minimum |
| penalty | `bounds_slope` | it holds the critic's slope down |
| penalty | `slope_at_one_example` | it is of the slope of one logit by its own example |
"""

import logging

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.game.slots import parts_in, slots_of
from genlab.game.turn import State
from genlab.part import function_of, name_of
from genlab.registry import objectives

_log = logging.getLogger("genlab")


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
        name = type(network.module).__name__
        raise InputError(
            f"model.{role}: {name!r} makes examples in [{made[0]:g}, {made[1]:g}], and the prepared"
            f" ones are in [{low:g}, {high:g}]; set data.value_range={tuple(made)}, or take a"
            " network of that range"
        )


def check_slopes(experiment: Experiment, shapes: State) -> None:
    """Refuses an objective that nothing bounds, and warns of a slope that is of the whole batch.

    Raises:
      InputError: the objective needs a bound on the critic's slope, and no part gives one.
    """
    parts = [
        function_of(part)
        for slot in ("objective", *slots_of(type(experiment)))
        for part in parts_in(experiment, slot).values()
    ]
    networks = [network.module for network in experiment.networks.values()]
    bounded = any(getattr(part, "bounds_slope", False) for part in (*parts, *networks))
    for part in parts:
        if getattr(part, "needs_bounded_slope", False) and not bounded:
            known = [
                n for n in objectives if getattr(objectives.find(n), "bounds_slope", 0)
            ]
            raise InputError(
                f"objective {name_of(part)!r} has no minimum unless the critic's slope is bounded,"
                f" and no part does that; give the experiment a penalty ({', '.join(known)})"
            )
        if getattr(part, "slope_at_one_example", False):
            for role in sorted(set(_critics(experiment)) & set(_normalized(shapes))):
                _log.warning(
                    "penalty %r is of the slope at one example, and batch normalisation makes the"
                    " logits of model.%s depend on the whole batch; take a critic without it",
                    name_of(part),
                    role,
                )


def _critics(experiment: Experiment) -> list[str]:
    return [role for role in experiment.networks if role.startswith("discriminator")]


def _normalized(shapes: State) -> dict:
    """Roles that look across the batch, by the statistics that they keep."""
    return shapes.extra.get("batch_stats", {})
