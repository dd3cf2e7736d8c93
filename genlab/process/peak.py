"""Operations that a device can do in a second at most, by its data sheet, where that is known."""

from collections.abc import Sequence

import jax

# 1e12 a second, dense: bfloat16, and float32, whose products an NVIDIA GPU of these does in TF32.
# The first name found in that of the device counts.
_TERA = {
    "H100 PCIe": (756, 378),
    "H100 NVL": (835, 418),
    "H200 NVL": (835, 418),
    "H100": (989, 494),
    "H200": (989, 494),
    "A100": (312, 156),
    "L40S": (362, 183),
    "L40": (181, 90.5),
    "L4": (121, 60),
    "RTX 4090": (165, 82.6),
    "RTX 3090 Ti": (80, 40),
    "RTX 3090": (71, 35.6),
}
_PARTS = (
    " MIG",
    "Laptop",
    "4090 D",
)  # less than the name before says, by how much is not known


def of(devices: Sequence[jax.Device], dtype: str) -> float | None:
    """Of all devices together; None where one of them is unknown.

    Args:
      devices: those that compute.
      dtype: `float32` or `bfloat16`.
    """
    return of_kinds([device.device_kind for device in devices], dtype)


def of_kinds(kinds: Sequence[str], dtype: str) -> float | None:
    """As `of`, by what the devices call themselves."""
    column = ("bfloat16", "float32").index(dtype)
    found = [_tera(kind, column) for kind in kinds]
    return None if None in found else 1e12 * sum(found)


def _tera(kind: str, column: int) -> float | None:
    if any(part in kind for part in _PARTS):
        return None
    return next((tera[column] for name, tera in _TERA.items() if name in kind), None)
