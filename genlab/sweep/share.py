"""A share of a sweep: one of several commands, of one machine or more, that train its trials between them."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from genlab.errors import InputError
from genlab.run.folder import SHARE_LOCKS, locked
from genlab.storage import lock

if TYPE_CHECKING:
    from genlab.trials.trial import Trial


@dataclass(frozen=True)
class Share:
    """Every `count`-th trial from the `number`-th on; of one command alone, all of them.

    Commands that train shares say nothing to each other: what one does is in the folder.

    Attributes:
      number: which share, from 1.
      count: how many there are.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def read(cls, text: str | None) -> Self:
        """What `--share=K/N` says; None for all trials.

        Raises:
          InputError: it says no such thing.
        """
        if text is None:
            return cls()
        number, _, count = text.partition("/")
        fine = number.isdecimal() and count.isdecimal()
        if not fine or not 1 <= int(number) <= int(count):
            raise InputError(
                f"--share={text} is not K/N with K from 1 to N, such as 1/2 on one machine and 2/2 on"
                " another"
            )
        return cls(int(number), int(count))

    def trials(self, trials: "list[Trial]") -> "list[Trial]":
        """Those that belong to this share."""
        return trials[self.number - 1 :: self.count]

    @contextmanager
    def held(self, sweep: Path, trials: "list[Trial]") -> Iterator[None]:
        """Inside, nobody else trains any of these trials in the folder.

        Args:
          sweep: the folder.
          trials: all of the sweep, of which this is a share.

        Raises:
          InputError: somebody does, or shares of other trials or of another number, or the folder
            cannot be written.
        """
        with ExitStack() as stack:
            with alone(sweep):
                if self.count == 1:
                    _refuse(sweep.glob(SHARE_LOCKS), "a share of it")
                    stack.enter_context(locked(sweep))
                else:
                    _refuse([sweep / ".lock"], "all of it")
                    mine, fellows = self._locks(sweep, trials)
                    others = {*sweep.glob(SHARE_LOCKS)} - fellows
                    _refuse(
                        others,
                        "shares of it that are others than those of this command",
                    )
                    _refuse([mine], f"share {self.number} of {self.count}")
                    stack.enter_context(lock.held(mine))
            yield

    def _locks(self, sweep: Path, trials: "list[Trial]") -> tuple[Path, set[Path]]:
        """The lock of this share, and those of all of them."""
        names = "".join(trial.name for trial in trials)
        digest = hashlib.sha256(names.encode()).hexdigest()[:12]
        name = SHARE_LOCKS.replace("*", f"{{}}-of-{self.count}-{digest}")
        locks = [sweep / name.format(number + 1) for number in range(self.count)]
        return locks[self.number - 1], {*locks}


@contextmanager
def alone(sweep: Path) -> Iterator[None]:
    """Inside, no other command looks who else is there, nor writes what is of the whole sweep.

    Raises:
      InputError: the folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.held(sweep / ".shares"))
        except OSError as error:
            raise InputError(
                f"the folder {str(sweep)!r} cannot be written ({error.strerror}); --workdir=DIR names"
                " another"
            ) from None
        yield


def _refuse(locks: Iterable[Path], what: str) -> None:
    for path in locks:
        if lock.is_held(path):
            raise InputError(
                f"another process trains the sweep in {str(path.parent)!r}, {what}; wait for it or name"
                " another folder with --workdir=DIR"
            )
