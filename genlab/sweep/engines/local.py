"""Trials as processes of this machine, a bounded number at a time."""

from typing import TYPE_CHECKING, ClassVar

from genlab.process import display
from genlab.process.signals import Stop
from genlab.sweep.engine import SEARCH, SHARE, Flag, SearchEngine

if TYPE_CHECKING:
    from genlab.sweep.pool import Pool
    from genlab.sweep.study import Study
    from genlab.trials.trial import Trial

WORKERS = Flag("workers", "processes at a time; one per GPU without", int)


class Local(SearchEngine):
    """A process for each trial; several commands may work on one search."""

    name = "local"
    flags: ClassVar = (WORKERS, SHARE, *SEARCH)
    shares = True

    def check(self, trials: "list[Trial]") -> None:
        """Refuses a folder whose members are no trials alone."""
        from genlab.sweep import mode

        mode.refuse_evolved(self.sweep)

    def train(self, trials: "list[Trial]", stop: Stop) -> None:
        """A process for each trial, as many at a time as there are workers."""
        from genlab.sweep.progress import Overview

        with display.watching(Overview(self.sweep)):
            self._pool().train(trials, stop)

    def search(self, study: "Study", stop: Stop) -> "list[Trial]":
        """Each worker trains what the study gives it next."""
        from genlab.sweep.progress import Overview

        with display.watching(Overview(self.sweep, study.search.count)):
            return study.train(self._pool(), stop)

    def _pool(self) -> "Pool":
        from genlab.sweep.devices import count_gpus, environments
        from genlab.sweep.pool import Pool

        slots = environments(self.values.workers, count_gpus())
        return Pool(self.path, self.common, self.sweep, slots)
