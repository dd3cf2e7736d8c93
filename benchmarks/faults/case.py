"""A case: one thing that is tried, its own random numbers, and what came of it."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

# Reads one input, which its random numbers make; of a place where genlab reads what others wrote.
Reader = Callable[[random.Random], None]


@dataclass(frozen=True)
class Bench:
    """Where and how cases are tried.

    Attributes:
      seed: of everything.
      folder: for what they write.
      workers: cases at a time, where a case is a process.
    """

    seed: int
    folder: Path
    workers: int = 1

    def generator(self, case: str) -> random.Random:
        """The random numbers of a case, whatever others are tried beside it."""
        return random.Random(f"{self.seed} {case}")

    def place(self, case: str) -> Path:
        """An empty folder for a case."""
        folder = self.folder / "".join(c if c.isalnum() else "-" for c in case)
        folder.mkdir(parents=True)
        return folder

    def repeat(self, case: str) -> str:
        """The command that tries a case again."""
        return f"python -m benchmarks faults --seed={self.seed} --only={case!r}"


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
      case: its name, `KIND/...`.
      problems: a line each; none where all is as it must be.
      count: how many faults it held; 0 where it could not be tried, as the note says.
      note: what happened, in few words.
    """

    case: str
    problems: tuple[str, ...] = ()
    count: int = 1
    note: str = ""


def chosen(names: Iterable[str], count: int, generator: random.Random) -> list[str]:
    """`count` of the names, each once before any comes again."""
    names, found = sorted(names), []
    while names and len(found) < count:
        found += generator.sample(names, min(len(names), count - len(found)))
    return found
