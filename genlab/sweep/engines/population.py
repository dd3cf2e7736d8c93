"""All trials of one shape in one program, which may halve them or let losers copy winners."""

from typing import TYPE_CHECKING, Any, ClassVar

from genlab.errors import InputError
from genlab.process import display
from genlab.process.signals import Stop
from genlab.sweep.engine import PRUNER, SHARE, Engine, Flag

if TYPE_CHECKING:
    from genlab.sweep.evolution import Evolution
    from genlab.trials.trial import Trial

EVOLVE = Flag("evolve", "rounds between two steps of population-based training", int)


class Population(Engine):
    """Trials on the devices of this machine, members of as few programs as can hold them."""

    name = "population"
    flags: ClassVar = (PRUNER, EVOLVE, SHARE)

    def check(self, trials: "list[Trial]") -> None:
        """Refuses flags that exclude each other, and trials that are not measured when they ask."""
        from genlab.sweep import halving, mode, population

        self._check_flags()
        mode.check(self.sweep, **self._mode)
        population.check(trials)
        if self._halves:
            halving.rungs(trials)
        if self._evolution:
            self._evolution.check(trials)

    def train(self, trials: "list[Trial]", stop: Stop) -> None:
        """A population for each group of trials that one program can train."""
        from genlab.sweep import halving, population
        from genlab.sweep.progress import Overview

        with display.watching(Overview(self.sweep)):
            if self._halves:
                halving.train(trials, self.sweep, stop, self.values.target)
            else:
                population.train(trials, self.sweep, stop, self._evolution)

    def _check_flags(self) -> None:
        pruner, evolve = self.values.pruner, self.values.evolve
        if pruner not in (None, "none", "halving"):
            raise InputError(f"populations take --pruner=halving, not {pruner!r}")
        for flag, asked in (("pruner", self._halves), ("evolve", evolve)):
            if asked and not self.values.target:
                raise InputError(f"--{flag} needs --target=[-]VALUE to tell losers by")
            if asked and self.values.share:
                raise InputError(
                    f"--{flag} compares all trials, of which --share trains some; take one"
                )
        if self._halves and evolve:
            raise InputError("--pruner=halving and --evolve both end losers; take one")

    @property
    def _halves(self) -> bool:
        return self.values.pruner == "halving"

    @property
    def _evolution(self) -> "Evolution | None":
        from genlab.sweep.evolution import Evolution

        every = self.values.evolve
        return Evolution(self.values.target, every) if every else None

    @property
    def _mode(self) -> dict[str, Any]:
        if self._halves:
            return {"pruner": "halving", "target": self.values.target}
        return self._evolution.mode if self._evolution else {}
