"""The variables of a network in twelve digits."""

import hashlib
from typing import Any

import numpy as np

from genlab.storage.tree import flatten

PyTree = Any


def checksum(variables: PyTree) -> str:
    """12 hexadecimal digits of the SHA-256 of all variables: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, leaf in sorted(flatten(variables).items()):
        digest.update(f"{name} {leaf.dtype} {leaf.shape}".encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()[:12]
