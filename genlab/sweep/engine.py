"""What an engine is: where the trials of a sweep run, and which flags of the command it reads.

An engine's file says what it is and reads; what trains is imported where it trains, so that the help
of the command, which is made of these, is there at once.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from genlab.process.signals import Stop

if TYPE_CHECKING:
    from genlab.sweep.study import Study
    from genlab.trials.trial import Trial


@dataclass(frozen=True)
class Flag:
    """A flag of the command that some engines read and the others refuse.

    Attributes:
      name: `--NAME=VALUE`.
      meaning: for the help.
      kind: of the value; an int is 1 or more.
    """

    name: str
    meaning: str
    kind: type[str] | type[int] = str


PRUNER = Flag("pruner", "what stops losers: none, halving or, in a search, hyperband")
SAMPLER = Flag("sampler", "of a search: tpe, gp, cmaes, random or grid")
STORAGE = Flag("storage", "URL of a search's storage; a journal in the folder without")
SHARE = Flag(
    "share",
    "K/N: of the trials every N-th, from the K-th on; N commands, on machines that see the folder, train"
    " all of them",
)
SEARCH = (SAMPLER, PRUNER, STORAGE)


@dataclass(frozen=True)
class Engine(ABC):
    """Trains the trials of a sweep that are known beforehand.

    The command has written the manifest when it trains, holds the folder or a share of it, and writes table and
    report afterwards.

    Attributes:
      name: what `--engine` calls it.
      flags: those that it reads besides the ones of every sweep; others are refused, not dropped.
      trains: whether the trials are at their end when `train` returns; False where it says what
        will train them.
      path: the config of every trial, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep.
      values: the flags of the command.
    """

    name: ClassVar[str]
    flags: ClassVar[tuple[Flag, ...]] = ()
    trains: ClassVar[bool] = True

    path: str
    common: dict[str, str]
    sweep: Path
    values: Any

    @abstractmethod
    def check(self, trials: "list[Trial]") -> None:
        """Refuses, before anything is written, what it cannot train.

        Args:
          trials: what to train; empty for a search.

        Raises:
          InputError: flags that do not go together, trials that it cannot hold, or a folder whose
            trials were trained otherwise.
        """

    @abstractmethod
    def train(self, trials: "list[Trial]", stop: Stop) -> None:
        """Trains every trial that has no results yet.

        Raises:
          InputError: something that only shows while it trains.
          Stopped: a signal asked to stop; the running trials are saved.
        """


@dataclass(frozen=True)
class SearchEngine(Engine):
    """An engine that also trains trials chosen by what the ones before reached.

    Attributes:
      shares: whether several commands may work on one search; the folder is locked where not.
    """

    shares: ClassVar[bool] = False

    @abstractmethod
    def search(self, study: "Study", stop: Stop) -> "list[Trial]":
        """Trains until the study has all its trials; returns every trial it has, each once.

        Raises:
          InputError: the target is not among what a trial measured.
          Stopped: a signal asked to stop; the running trials are saved.
        """
