"""Whether samples can be guided by what a network says of a class beyond what it says without one."""

from typing import Any

from genlab.errors import InputError


def check(guidance: Any, drop_label: Any, takes_label: bool) -> None:
    """Refuses guidance that a network cannot give.

    Args:
      guidance: its strength; a number, one that is traced or one by a schedule.
      drop_label: share of the labels that are hidden in training, None for none.
      takes_label: whether the network takes the class of an example.

    Raises:
      InputError: guidance or hidden labels of a network without labels, or guidance where none is hidden.
    """
    guided = _is_positive(guidance)
    if (guided or drop_label is not None) and not takes_label:
        told = (
            f"guidance={guidance:g}" if guided and _is_number(guidance) else "guidance"
        )
        raise InputError(
            f"{told} and drop_label are of a network that takes the class of an example; 'guided' makes one of"
            " any, {'name': 'guided', 'network': {...}}, and needs data with labels"
        )
    if guided and (drop_label is None or not _is_positive(drop_label, traced=True)):
        raise InputError(
            "guidance goes beyond what the network says without a class, which it learns where some are"
            " hidden; set drop_label=0.1"
        )


def _is_positive(value: Any, *, traced: bool = False) -> bool:
    """Of a number, or of that which a schedule multiplies; what is said of a traced one, whose trial was checked
    with numbers."""
    value = getattr(value, "value", value)
    return value > 0 if _is_number(value) else traced


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
