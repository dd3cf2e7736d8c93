"""What discriminators are shown of examples, by the parts in the slot `augment` of a family."""

from typing import Any

import jax

from genlab.errors import InputError
from genlab.game import memory
from genlab.game.experiment import Experiment
from genlab.game.slots import ask_part, parts_in
from genlab.game.turn import Draw
from genlab.part import check_array, says, settled

Array = jax.Array
PyTree = Any


def show_all(
    experiment: Experiment,
    extra: PyTree,
    draw: Draw,
    which: str,
    images: tuple[Array, ...],
) -> tuple[Array, ...]:
    """`show` of each of what a discriminator sees together, changed alike."""
    return tuple(show(experiment, extra, draw, which, image) for image in images)


def show(
    experiment: Experiment, extra: PyTree, draw: Draw, which: str, x: Array
) -> Array:
    """What a discriminator is shown of examples `x: [B, ...]`, by the parts in the slot `augment`.

    Args:
      experiment: with the slot.
      extra: of the state, for what they remember.
      draw: of the examples.
      which: of the batches of a draw it is; each has keys of its own.
      x: the examples.

    Raises:
      InputError: a part returned another shape.
    """
    for name, part in parts_in(experiment, "augment").items():
        offered: dict[str, Any] = {"x": x}
        if (held := memory.of(extra, "augment", name)) is not None:
            offered["memory"] = held
        stream = f"augment/{name}/{which}"
        shown = ask_part(experiment, "augment", part, draw, stream, {}, offered)
        check_array(f"{name!r} in augment", shown, x, same=True)
        x = shown
    return x


def check_range(experiment: Experiment, low: float, high: float) -> None:
    """Raises InputError where a part in the slot `augment` takes black for 0 and white for 1, and prepared
    examples lie in another range [low, high]."""
    for name, part in parts_in(experiment, "augment").items():
        if says(part, "of_unit_range", False) and (low, high) != (0.0, 1.0):
            raise InputError(
                f"{name!r} in augment is of images in [0, 1], and these lie in [{low:g}, {high:g}]; take"
                " data.value_range=(0.0, 1.0)"
            )


def adapt(
    experiment: Experiment, extra: PyTree, draw: Draw, real_logits: Array
) -> PyTree:
    """`extra` in which the parts in the slot `augment` that remember, objects with a method
    `renew(memory, real_logits)`, have seen the verdicts on real examples."""
    for name, part in parts_in(experiment, "augment").items():
        if says(part, "memory") is not None:
            held = memory.of(extra, "augment", name)
            new = settled(part, draw.step).renew(held, real_logits)
            extra = memory.renewed(extra, "augment", name, new)
    return extra
