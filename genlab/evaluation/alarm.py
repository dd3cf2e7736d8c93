"""What a run says of its health when it ends."""

import logging
from pathlib import Path

from genlab.game.experiment import Experiment
from genlab.storage.writer import last_values

_log = logging.getLogger("genlab")


def alarms_of(experiment: Experiment, workdir: Path) -> tuple[str, ...]:
    """What is wrong by the last line of the log of the training split; empty where nothing is.

    Args:
      experiment: which may have `alarms`.
      workdir: the run folder.
    """
    alarms = getattr(experiment, "alarms", None)
    return tuple(alarms(last_values(workdir, "train"))) if alarms else ()


def sound(experiment: Experiment, workdir: Path, whose: str = "") -> None:
    """Warns of them, each time beginning with what `whose` says."""
    for told in alarms_of(experiment, workdir):
        _log.warning("%s%s", whose, told)
