"""Trials on the nodes of a Ray cluster that share the sweep's folder."""

from typing import TYPE_CHECKING, ClassVar

from genlab.process import display
from genlab.process.signals import Stop
from genlab.sweep.engine import SEARCH, Flag, SearchEngine

if TYPE_CHECKING:
    from genlab.sweep.study import Study
    from genlab.trials.trial import Trial

ADDRESS = Flag("address", "of a Ray cluster; one is started here without")


class Ray(SearchEngine):
    """A process for each trial, which Ray Tune places and tries again where its node dies."""

    name = "ray"
    flags: ClassVar = (ADDRESS, *SEARCH)

    def check(self, trials: "list[Trial]") -> None:
        """Refuses a folder whose members are no trials alone."""
        from genlab.sweep import mode

        mode.refuse_evolved(self.sweep)

    def train(self, trials: "list[Trial]", stop: Stop) -> None:
        """A trial for each GPU or node at a time."""
        from genlab.sweep import ray_tune
        from genlab.sweep.progress import Overview

        where, address = (self.path, self.common, self.sweep), self.values.address or ""
        with display.watching(Overview(self.sweep)):
            ray_tune.train(*where, trials, stop, address=address)

    def search(self, study: "Study", stop: Stop) -> "list[Trial]":
        """The same for trials that the study chooses, under Tune's pruners."""
        from genlab.sweep import ray_tune
        from genlab.sweep.progress import Overview

        address = self.values.address or ""
        with display.watching(Overview(self.sweep, study.search.count)):
            return ray_tune.search(study, stop, address=address)
