"""The processes of a run that write its checkpoints together, each a part of the arrays.

The first makes the folder, says where it is, and seals it when all parts are there and are what they should
be. It writes itself what another could not, such as one that has no access to the folder.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genlab.process import peers
from genlab.storage import arrays
from genlab.storage.tree import flatten

PyTree = Any
Leaves = Mapping[str, np.ndarray]

_log = logging.getLogger("genlab")


class Alone:
    """A checkpoint that one process writes."""

    def write(self, folder: Path, leaves: Leaves) -> None:
        """Writes arrays by name into a folder that is there, reads them back and compares every bit.

        Raises:
          Exception: as `arrays.write` and `arrays.check`.
        """
        arrays.write(folder, leaves)
        arrays.check(folder, leaves)

    def give_up(self) -> None:
        """There is nothing to write after all."""


class Together(Alone):
    """One that the processes of a run write together.

    Args:
      ask: tells the others, which answer with `helping`, that the first begins to write.
    """

    def __init__(self, ask: Callable[[], None]):
        ask()
        self._number = peers.next_number("saving")

    def write(self, folder: Path, leaves: Leaves) -> None:
        """The same, each process its share, and the first what another could not, or has otherwise."""
        arrays.need_room(folder, leaves)
        shares = dealt(leaves, peers.count())
        peers.tell(f"saving/{self._number}", folder.name)
        arrays.write(folder, {name: leaves[name] for name in shares[0]})
        own = [{name: leaves[name] for name in share} for share in shares]
        for index in range(1, len(own)):
            if peers.awaited(f"saved/{self._number}/{index}"):
                arrays.write_part(folder, index, own[index])
        if strange := arrays.others(folder, leaves):
            told = "%r is another in another process; what the first has is saved"
            _log.warning(told, strange[0])
            for index in range(1, len(own)):
                if not own[index].keys().isdisjoint(strange):
                    arrays.write_part(folder, index, own[index])
            arrays.check(folder, leaves)

    def give_up(self) -> None:
        """Tells the others."""
        peers.tell(f"saving/{self._number}", "")


def helping(parent: Path, state: PyTree) -> Callable[[], None]:
    """In the others, where they are asked: what writes their share of a state, as it is now, into the folder in
    `parent` that the first makes."""
    number, index, leaves = peers.next_number("saving"), peers.index(), flatten(state)
    names = dealt(leaves, peers.count())[index]
    share = {name: np.array(leaves[name]) for name in names}

    def write() -> None:
        if not (name := peers.awaited(f"saving/{number}")):
            return
        failed = "it sees no such folder"
        try:
            if (parent / name).is_dir():
                arrays.write_part(parent / name, index, share)
                failed = ""
        except Exception as error:  # noqa: BLE001 - the first does it, and says what it meets
            failed = f"{type(error).__name__}: {error}"
        peers.tell(f"saved/{number}/{index}", failed)

    return write


def dealt(leaves: Leaves, count: int) -> list[list[str]]:
    """Names of arrays by process, about as many bytes for each; the same wherever it is asked.

    The first has one at least, and all that do not fit a part.
    """
    shares: list[list[str]] = [[] for _ in range(count)]
    taken = [0] * count
    for name in sorted(leaves, key=lambda name: (-leaves[name].nbytes, name)):
        index = taken.index(min(taken)) if arrays.fits_a_part(leaves[name]) else 0
        shares[index].append(name)
        taken[index] += leaves[name].nbytes
    return shares
