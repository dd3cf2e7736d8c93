"""That a trial was stopped as a loser: after which round and by which value, kept in a file."""

import json
from collections.abc import Iterable
from pathlib import Path

from genlab.storage.files import refuse_link, write_atomic
from genlab.storage.writer import finite_or_none
from genlab.trials.trial import Trial

FILE = "pruned.json"


def record(folder: Path, step: int, target: str, value: float | None) -> None:
    """Marks the trial in a folder as a loser.

    Args:
      folder: the trial's run folder.
      step: rounds done.
      target: `NAME`, or `-NAME` for one that is maximised.
      value: of the target then, its sign as measured; None where there is none.
    """
    known = {} if value is None else {"value": value}
    told = {"step": step, "target": target, "value": None, **finite_or_none(known)}
    write_atomic(folder / FILE, json.dumps(told))


def is_pruned(folder: Path) -> bool:
    """Whether the trial in a folder was stopped as a loser."""
    return (folder / FILE).exists()


def forget(trials: Iterable[Trial], sweep: Path) -> None:
    """Lets trials that were given up train: whoever asks for them by name wants them whole.

    Raises:
      InputError: the folder of one is a link to another place.
    """
    for trial in trials:
        refuse_link(trial.folder(sweep))
        (trial.folder(sweep) / FILE).unlink(missing_ok=True)
