"""What a metric returns: values, and the protocol that they were measured by."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """Named values with their protocol; values of unlike protocols are not compared.

    Attributes:
      values: name -> number.
      protocol: split, counts, features, seeds, whatever the numbers depend on.
    """

    values: dict[str, float]
    protocol: dict[str, Any]
