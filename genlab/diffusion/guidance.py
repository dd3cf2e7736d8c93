"""Whether samples can be guided by what a network says of a class beyond what it says without one."""

from typing import Any

import jax

from genlab.errors import InputError

Array = jax.Array


def check(guidance: Any, drop_label: Any, takes_label: bool) -> None:
    """Refuses guidance that a network cannot give.

    Args:
      guidance: its strength; a number, one that is traced or one by a schedule.
      drop_label: share of the labels that are hidden in training, None for none.
      takes_label: whether the network takes the class of an example.

    Raises:
      InputError: guidance or hidden labels of a network without labels, or guidance where none is hidden.
    """
    guided = _is_number(guidance) and guidance > 0
    if (guided or drop_label is not None) and not takes_label:
        raise InputError(
            "guidance and drop_label are of a network that takes the class of an example; 'guided' makes"
            " one of any, and needs data with labels"
        )
    if guided and (drop_label is None or (_is_number(drop_label) and drop_label == 0)):
        raise InputError(
            "guidance goes beyond what the network says without a class, which it learns where some are"
            " hidden; set drop_label=0.1"
        )


def _is_number(value: Any) -> bool:
    """Not of a traced one, whose trial was checked with numbers, nor of one by a schedule."""
    return not isinstance(value, jax.core.Tracer) and not hasattr(value, "factor")
