"""The processes of a run while the first looks at its state: the others help.

The first alone measures and draws. What is made of pieces that do not depend on each other (samples, what a
network of features sees in images, what the family measures of examples) is shared: of N processes each makes
every N-th piece on its own devices, and all is brought together. Where one cannot, such as for want of a file
that the first has, the first makes all of them.
"""

import importlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from genlab.errors import InputError
from genlab.game.program import tree_from_first
from genlab.game.turn import State
from genlab.process import display, peers

PyTree = Any
View = Any  # a `Trained`, which knows this file
OVER = {"over": True}

_log = logging.getLogger("genlab")


class Pieces(NamedTuple):
    """Work in pieces that do not depend on each other.

    Attributes:
      count: how many there are.
      make: those of some indices, in order, as trees of arrays; all of them have the same shapes.
    """

    count: int
    make: Callable[[Sequence[int]], Iterator[PyTree]]


class Helpers:
    """What the first of several processes asks the others for, in the order of asking.

    Attributes:
      shared: pieces that all made together.
      own: those of them that this process made.

    Args:
      save: what the others do of the state where the first begins to save it, see `begin_save`.
    """

    def __init__(self, save: Callable[[State], None]) -> None:
        self._save = save
        self.shared = self.own = 0
        self._shown: State | None = None  # what all see, while the first looks
        self._busy = False
        self._warned: set[str] = set()

    def look(self, trained: View, state: State, work: Callable[[], Any]) -> None:
        """The first process does the work on the view of a state; the others help until it is done.

        All of them call it, each with its own view of the same state.
        """
        trained.at(state)
        self._shown = state
        if peers.is_first():
            work()
            self._say(OVER)
        else:
            with display.doing("helping the first process"):
                self._help(trained)
        self._shown = None

    def show(self, state: State) -> None:
        """Tells the others that the first looks at another state from here on."""
        if self._shown is None or state is self._shown or not peers.is_first():
            return
        self._say({"state": True})
        tree_from_first(self._shown, lambda: state)
        self._shown = state

    def begin_save(self) -> None:
        """Has the others save their share of the state that all see."""
        self._say({"save": True})

    def make(
        self, pieces: Pieces, work: Callable[..., Pieces], arguments: dict[str, Any]
    ) -> list[PyTree]:
        """As `made`."""
        asks = self._shown is not None and peers.is_first() and not self._busy
        if not asks or pieces.count < peers.count():
            return _alone(pieces)
        name = f"{work.__module__}:{work.__qualname__}"
        try:
            number = self._say({"work": name, "arguments": arguments})
        except TypeError:  # a number that is no JSON, of a part of the user's
            return _alone(pieces)
        if unable := self._told(number, "ready", ""):
            self._warn(*next(iter(unable.items())))
            return _alone(pieces)
        return self._together(number, pieces)

    def sum_up(self) -> None:
        """Says in the log what the others did."""
        if self.shared:
            others = f"{self.shared - self.own:,} of {self.shared:,}"
            told = "other processes made %s pieces of what was measured and drawn"
            _log.info(told, others)

    def _help(self, trained: View) -> None:
        """Does what the first asks for, until it needs nothing more."""
        while True:
            number, asked = self._heard()
            if asked == OVER:
                return
            if "state" in asked:
                self._shown = tree_from_first(self._shown, lambda: None)
                trained.at(self._shown)
                continue
            if "save" in asked:
                self._save(self._shown)
                continue
            pieces, reason = None, ""
            try:
                module, _, function = asked["work"].partition(":")
                work = getattr(importlib.import_module(module), function)
                pieces = work(trained, **asked["arguments"])
            except Exception as error:  # noqa: BLE001 - the first is told, and needs no help
                reason = _line(error)
            if not self._told(number, "ready", reason):
                self._together(number, pieces)

    def _together(self, number: int, pieces: Pieces) -> list[PyTree]:
        """The share of each process, then of all; empty where one failed, and in the first an error."""
        index, count = peers.index(), peers.count()
        made, raised = [], None
        self._busy = True
        try:
            made = jax.device_get([*pieces.make(range(index, pieces.count, count))])
        except Exception as error:  # noqa: BLE001 - the others are told first
            raised = error
        finally:
            self._busy = False
        self.shared += pieces.count
        self.own += len(made)
        failed = self._told(number, "made", "" if raised is None else _line(raised))
        if failed and not index:
            if raised is not None:
                raise raised
            other, reason = next(iter(failed.items()))
            raise InputError(f"process {other} failed at its share: {reason}")
        return [] if failed else _gathered(made, pieces.count)

    def _say(self, what: dict[str, Any]) -> int:
        text = json.dumps(what)  # before it is counted, which all do
        number = peers.next_number("asked")
        peers.tell(f"asked/{number}", text)
        return number

    def _warn(self, index: int, reason: str) -> None:
        if reason not in self._warned:
            self._warned.add(reason)
            told = "process %d cannot help (%s); the first does all of it"
            _log.warning(told, index, reason)

    def _heard(self) -> tuple[int, dict[str, Any]]:
        number = peers.next_number("asked")
        return number, json.loads(peers.awaited(f"asked/{number}"))

    def _told(self, number: int, stage: str, reason: str) -> dict[int, str]:
        """Says why this process cannot go on, empty where it can; the reasons of all that cannot."""
        key = f"helped/{number}/{stage}"
        peers.tell(f"{key}/{peers.index()}", json.dumps(reason))
        told = {
            i: json.loads(peers.awaited(f"{key}/{i}")) for i in range(peers.count())
        }
        return {index: why for index, why in told.items() if why}


def made(trained: View, work: Callable[..., Pieces], **arguments: Any) -> list[PyTree]:
    """All pieces of some work on a view, in order, as NumPy arrays; helpers make their share.

    Args:
      trained: the view.
      work: a function of a module, which gives the pieces of a view and the arguments.
      arguments: such as JSON keeps.

    Raises:
      InputError: another process failed at its share.
    """
    pieces = work(trained, **arguments)
    if trained.helpers is None:
        return _alone(pieces)
    return trained.helpers.make(pieces, work, arguments)


def _alone(pieces: Pieces) -> list[PyTree]:
    return jax.device_get([*pieces.make(range(pieces.count))])


def _gathered(made: list[PyTree], total: int) -> list[PyTree]:
    """What all processes made, every so-manieth piece, in order; in the first, the others forget it."""
    from jax.experimental import multihost_utils

    found, first = [], peers.is_first()
    for row in range(-(-total // peers.count())):
        own = made[min(row, len(made) - 1)]  # in the last row some have none
        of_all = multihost_utils.process_allgather(own)
        for index in range(peers.count()) if first else ():
            piece = jax.tree.map(lambda leaf, i=index: np.asarray(leaf[i]), of_all)
            found.append(piece)
    return found[:total]


def _line(error: Exception) -> str:
    """What an error says, in one line that is not empty."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
