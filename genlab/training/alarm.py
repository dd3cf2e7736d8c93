"""What a run says of its health when it ends."""

import logging
from pathlib import Path

from genlab.game.experiment import Experiment
from genlab.storage.writer import last_values

_log = logging.getLogger("genlab")


def sound(experiment: Experiment, workdir: Path, whose: str = "") -> None:
    """Warns of what is wrong by the last line of the log of the training split.

    Args:
      experiment: which may have `alarms`.
      workdir: the run folder.
      whose: what the warning begins with.
    """
    alarms = getattr(experiment, "alarms", None)
    for told in alarms(last_values(workdir, "train")) if alarms else ():
        _log.warning("%s%s", whose, told)
