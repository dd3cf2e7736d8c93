"""Where a study is remembered: a journal in the folder of the sweep, or a database by its URL."""

import json
import os
import threading
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab import shipped
from genlab.errors import InputError
from genlab.storage.files import refuse_link
from genlab.storage.lock import held
from genlab.sweep.search import (
    Search,
    distributions,
    make_pruner,
    make_sampler,
    overrides_of,
)
from genlab.trials.manifest import recipe_of
from genlab.trials.space import Space

if TYPE_CHECKING:
    import optuna

PATIENCE = 30.0  # seconds that a storage has to answer


def open_study(
    path: str,
    sweep: Path,
    search: Search,
    common: dict[str, str],
    *,
    every: int,
    steps: int,
) -> "optuna.Study":
    """Optuna's study of a search, new or as the storage has it.

    Args:
      path: the config of every trial.
      sweep: the folder of the sweep; its name is the study's.
      search: how the trials are chosen.
      common: overrides of every trial, as text.
      every: rounds between evaluations.
      steps: rounds of a whole trial.

    Raises:
      InputError: no Optuna, a storage that does not answer in PATIENCE seconds, a study that was made
        by another space, target, config or overrides, or one with trials of no such space.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError(f"a search needs Optuna: {shipped.install('sweep')}") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made_by = {
        "space": _describe(search.space),
        "target": search.target,
        "config": recipe_of(path),
        "overrides": common,
    }
    sampler = make_sampler(search)
    pruner = make_pruner(search, every=every, steps=steps)

    def create() -> optuna.Study:
        study = optuna.create_study(
            storage=search.storage or _journal(sweep),
            study_name=sweep.name,
            sampler=sampler,
            pruner=pruner,
            direction="minimize",
            load_if_exists=True,
        )
        _claim(study, sweep, made_by)
        _check_trials(study, search.space)
        return study

    return _in_time(create, search.storage or str(sweep / "study.journal"))


class _Lock:
    """Optuna's lock of a journal; its own would outlive a process that is killed inside.

    Args:
      journal: a file of whole lines, of which a kill may leave the last cut short.
    """

    def __init__(self, journal: Path):
        self._journal, self._stack = journal, ExitStack()

    def acquire(self) -> bool:
        lock = self._journal.with_name(f".{self._journal.name}.lock")
        self._stack.enter_context(held(lock))
        with self._journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            if file.read() not in (b"", b"\n"):
                # What is written next must not become a part of it.
                file.seek(0)
                os.truncate(self._journal, file.read().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        self._stack.close()


def _journal(sweep: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    sweep.mkdir(parents=True, exist_ok=True)
    path = sweep / "study.journal"
    refuse_link(path)
    return JournalStorage(JournalFileBackend(str(path), _Lock(path)))


def _in_time(create: Any, storage: str) -> Any:
    """What `create` returns; a driver that waits for a dead host for ever is left behind."""
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            outcome["made"] = create()
        except Exception as error:  # noqa: BLE001 a driver's own kind, raised below
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if "made" in outcome:
        return outcome["made"]
    error = outcome.get("error")
    if isinstance(error, InputError):
        raise error
    silent = f"nothing in {PATIENCE:.0f} seconds"
    reason = str(error).strip().partition("\n")[0] if error else silent
    raise InputError(
        f"storage {storage!r} does not answer ({reason}); without --storage a journal in"
        " the sweep's folder is kept"
    ) from error


def _claim(study: "optuna.Study", sweep: Path, made_by: dict[str, Any]) -> None:
    """Marks the study as that of a search, or refuses one that another search made."""
    known = study.user_attrs.get("made_by", made_by)
    for name, value in made_by.items():
        if (other := known.get(name)) != value:
            raise InputError(
                f"the study of {str(sweep)!r} was made by {name}={json.dumps(other)},"
                f" not by {json.dumps(value)}; name another folder with --workdir=DIR"
            )
    study.set_user_attr("made_by", made_by)


def _check_trials(study: "optuna.Study", space: Space) -> None:
    """Refuses trials that are no points of the space, as those of a made-up journal may be."""
    ours = distributions(space)
    for trial in study.get_trials(deepcopy=False):
        overrides_of(space, trial.params)
        for key, made in trial.distributions.items():
            if made != ours[key]:
                raise InputError(
                    f"the study has a trial whose {key!r} is of {made}, not {ours[key]}; name"
                    " another folder with --workdir=DIR"
                )


def _describe(space: Space) -> dict[str, Any]:
    """The space as JSON keeps it."""
    described = {
        key: [type(part).__name__, asdict(part)] for key, part in space.items()
    }
    return json.loads(json.dumps(described))
