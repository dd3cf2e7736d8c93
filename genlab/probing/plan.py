"""What is asked of runs: probes, labels, examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genlab.errors import InputError, suggest
from genlab.metrics.representation import CHOSEN_ON
from genlab.probing.probe import PROBES, TUNED, told


@dataclass(frozen=True)
class Plan:
    """What is probed, and with what.

    Attributes:
      probes: of PROBES, and TUNED.
      labels: counts of the few-label curve; None for those of LABELS that there are.
      split: where the tested examples come from.
      num_train, num_test: examples, even spreads over the splits.
    """

    probes: Sequence[str] = PROBES
    labels: Sequence[int] | None = None
    split: str = "test"
    num_train: int = 10_000
    num_test: int = 10_000

    def __post_init__(self) -> None:
        known = (*PROBES, TUNED)
        for probe in self.probes:
            if probe not in known:
                raise InputError(f"unknown probe {probe!r}{suggest(probe, known)}")
        if not self.probes:
            raise InputError(f"no probe is asked for; name some of {', '.join(known)}")

    @property
    def protocol(self) -> dict[str, Any]:
        """How the numbers came about."""
        return {
            "split": self.split,
            "intervals": "95 %, of the tested examples (Wilson), with few labels of their draws as well"
            " (Student), of NMI by its deviation over resampled examples",
            "chosen_on": CHOSEN_ON,
            **{probe: told(probe) for probe in self.probes},
        }
