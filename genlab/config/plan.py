"""When what is due: the periods of a stage, and how many rounds one compiled call may take."""

import logging
import math
from dataclasses import dataclass
from typing import Any, Self

_log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Plan:
    """Rounds of a run's stage and its periods, in rounds.

    Attributes:
      steps: rounds after which it ends.
      asked: rounds in one call at most; 0 leaves it to the periods.
      periods: `log`, `eval`, `sample`, `checkpoint` -> every how many rounds; 0 never, but the
        last round, which everything but `eval` is due at.
      begin: rounds of the run before its first, where stages come before it.
    """

    steps: int
    asked: int
    periods: dict[str, int]
    begin: int = 0

    @classmethod
    def of(cls, config: dict[str, Any], begin: int = 0) -> Self:
        """The plan of a plain config whose first round comes after `begin` others."""
        names = ("log", "eval", "sample", "checkpoint")
        periods = {name: config[name]["every"] for name in names}
        train = config["train"]
        return cls(begin + train["steps"], train["steps_per_call"], periods, begin)

    def rounds_per_call(self, step: int) -> int:
        """The most rounds in a call, from `step` on, for which all that is due falls between calls.

        A run that resumes with its plan unchanged keeps the number, and with it its bits.
        """
        rounds = self.most_rounds(step)
        if rounds < self.asked:
            _log.info(
                "train.steps_per_call=%d does not divide all periods; %d does",
                self.asked,
                rounds,
            )
        return rounds

    def most_rounds(self, step: int) -> int:
        """As `rounds_per_call`, and nothing is said about it."""
        periods = [every for every in self.periods.values() if every]
        return math.gcd(self.asked, self.steps, step, *periods)

    def due(self, step: int) -> set[str]:
        """What is due after `step` rounds."""
        last = step == self.steps
        return {
            name
            for name, every in self.periods.items()
            if (every and (step % every == 0 or last)) or (last and name != "eval")
        }
