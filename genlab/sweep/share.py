"""A share of a sweep: one of several commands, of one machine or more, that train its trials between them."""

from collections.abc import Iterator
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
    def held(self, sweep: Path) -> Iterator[None]:
        """Inside, nobody else trains any of these trials in the folder.

        Raises:
          InputError: somebody does, or the folder cannot be written.
        """
        with ExitStack() as stack:
            with _gate(sweep):
                if self.count == 1:
                    self._refuse(sweep, SHARE_LOCKS, "a share of the same sweep")
                    stack.enter_context(locked(sweep))
                else:
                    self._refuse(sweep, ".lock", "the whole sweep")
                    mine = sweep / self._name
                    for path in sweep.glob(SHARE_LOCKS):
                        alike = path.name.endswith(f"-of-{self.count}")
                        if path == mine or not alike:
                            self._refuse(sweep, path.name, path.name.lstrip("."))
                    stack.enter_context(lock.held(mine))
            yield

    def others_are_at_work(self, sweep: Path) -> bool:
        """Whether commands train other shares now, as far as the folder tells."""
        others = (path for path in sweep.glob(SHARE_LOCKS) if path.name != self._name)
        return any(lock.is_held(path) for path in others)

    @property
    def _name(self) -> str:
        return f".share-{self.number}-of-{self.count}"

    def _refuse(self, sweep: Path, pattern: str, what: str) -> None:
        if any(lock.is_held(path) for path in sweep.glob(pattern)):
            raise InputError(
                f"another process trains {what} in {str(sweep)!r}; wait for it or name another folder"
                " with --workdir=DIR"
            )


EVERYTHING = Share()


@contextmanager
def _gate(sweep: Path) -> Iterator[None]:
    """One command at a time, while it looks which others are there."""
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.held(sweep / ".shares"))
        except OSError as error:
            raise InputError(
                f"the folder {str(sweep)!r} cannot be written ({error.strerror}); --workdir=DIR names"
                " another"
            ) from None
        yield
