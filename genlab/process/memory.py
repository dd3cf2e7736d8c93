"""How much memory there is, and the least that is asked of it, compared before any is taken."""

import os
from collections.abc import Mapping

import jax

from genlab.errors import LESS_MEMORY, InputError

GIB = 2**30


def host() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def of_device() -> int:
    """Bytes of the first device's memory; a CPU's is the host's."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    return statistics.get("bytes_limit") or host()


def bytes_of(tree) -> int:
    """Bytes of arrays, or of their shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def refuse_more_than(there_is: int, needs: Mapping[str, int]) -> None:
    """Refuses what certainly does not fit; what does may still run out.

    Args:
      there_is: bytes.
      needs: what is held at the same time -> bytes.

    Raises:
      InputError: they are more; names the largest.
    """
    if sum(needs.values()) > there_is:
        name = max(needs, key=needs.__getitem__)
        raise InputError(
            f"{name} takes {needs[name] / GIB:,.0f} GiB, and there are {there_is / GIB:,.0f};"
            f" {LESS_MEMORY}"
        )
