"""A study: Optuna chooses the trials of a space, processes train them, a journal remembers."""

import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genlab.errors import InputError, suggest
from genlab.signals import Stop
from genlab.sweep.local import Pool
from genlab.sweep.space import Choice, Integers, Space
from genlab.sweep.table import measured
from genlab.sweep.trial import Trial, resolve

SAMPLERS = {
    "tpe": "TPESampler",
    "cmaes": "CmaEsSampler",
    "random": "RandomSampler",
}


class Study:
    """Trials of a space, chosen one after another by what the ones before reached.

    Several processes, on several machines where they share storage and folder, may work on one
    study. A trial whose process died is trained to its end by the next one on that machine.

    Args:
      path: the config of every trial.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep.
      space: what may be chosen.
      target: the value to minimise, by its name in the results; `-NAME` maximises.
      sampler: one of SAMPLERS.
      storage: an Optuna storage's URL; empty for a journal file in the folder of the sweep.

    Raises:
      InputError: no Optuna, an unknown sampler, a storage that does not answer, or a study that was
        made by another space or target.

    Paper: Akiba et al. 2019, arXiv:1907.10902
    """

    def __init__(
        self,
        path: str,
        common: dict[str, str],
        sweep: Path,
        space: Space,
        *,
        target: str,
        sampler: str = "tpe",
        storage: str = "",
    ):
        self._path, self._common, self._sweep = path, common, sweep
        self._space, self._target = space, target
        self._study = _open(sweep, sampler, storage)
        made_by = {"space": _describe(space), "target": target}
        known = self._study.user_attrs.get("made_by", made_by)
        if known != made_by:
            raise InputError(
                f"the study of {str(sweep)!r} was made by {json.dumps(known)}, not by"
                f" {json.dumps(made_by)}; name another folder with --workdir=DIR"
            )
        self._study.set_user_attr("made_by", made_by)
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._guard = threading.Lock()

    def train(self, count: int, workers: int, stop: Stop) -> list[Trial]:
        """Trains until the study has `count` trials that ended; returns every trial it has.

        Raises:
          Stopped: a signal asked to stop; the running trials have saved.
        """
        pool = Pool(self._path, self._common, self._sweep, workers)
        with ThreadPoolExecutor(workers) as threads:
            jobs = [threads.submit(self._work, pool, count) for _ in range(workers)]
            pool.wait(jobs, stop)
        trials = [self._trial(trial.params) for trial in self._study.get_trials()]
        return list({trial.name: trial for trial in trials}.values())

    def best(self) -> dict[str, Any]:
        """The overrides of the best trial so far."""
        return dict(self._study.best_trial.params)

    def _work(self, pool: Pool, count: int) -> None:
        while not pool.stopping and (claimed := self._next(count)) is not None:
            number, params = claimed
            trial = self._trial(params)
            pool.run(trial)
            if not pool.stopping:
                self._tell(number, trial)

    def _next(self, count: int) -> tuple[int, dict[str, Any]] | None:
        """A trial that a dead process left, else a new one, else None when there are enough."""
        from optuna.trial import Trial as Running
        from optuna.trial import TrialState

        with self._guard:
            trials = self._study.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state == TrialState.RUNNING and self._is_left(trial):
                    claimed = Running(self._study, trial._trial_id)
                    break
            else:
                if len(trials) >= count:
                    return None
                claimed = self._study.ask(_distributions(self._space))
            claimed.set_user_attr("owner", self._owner)
            return claimed.number, dict(claimed.params)

    def _is_left(self, trial) -> bool:
        host, _, process = trial.user_attrs.get("owner", "").partition(":")
        return host == socket.gethostname() and not Path(f"/proc/{process}").exists()

    def _trial(self, params: dict[str, Any]) -> Trial:
        (trial,) = resolve(self._path, self._common, [params])
        return trial

    def _tell(self, number: int, trial: Trial) -> None:
        from optuna.trial import TrialState

        values = measured(trial, self._sweep)
        name = self._target.removeprefix("-")
        if values and name not in values:
            raise InputError(
                f"--target={self._target} is not measured; measured are {', '.join(values)}"
            )
        value = values.get(name)
        if value is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, -value if self._target.startswith("-") else value)


def _open(sweep: Path, sampler: str, storage: str):
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError("a study needs Optuna: pip install -e '.[sweep]'") from None
    if sampler not in SAMPLERS:
        raise InputError(f"sampler {sampler!r} is unknown{suggest(sampler, SAMPLERS)}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if not storage:
            from optuna.storages import JournalStorage
            from optuna.storages.journal import JournalFileBackend

            sweep.mkdir(parents=True, exist_ok=True)
            storage = JournalStorage(JournalFileBackend(str(sweep / "study.journal")))
        return optuna.create_study(
            storage=storage,
            study_name=sweep.name,
            sampler=getattr(optuna.samplers, SAMPLERS[sampler])(),
            direction="minimize",
            load_if_exists=True,
        )
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"storage {storage!r} does not answer ({reason})") from error


def _distributions(space: Space) -> dict[str, Any]:
    from optuna import distributions as optuna

    made: dict[str, Any] = {}
    for key, part in space.items():
        if isinstance(part, Choice):
            made[key] = optuna.CategoricalDistribution(part.values)
        elif isinstance(part, Integers):
            made[key] = optuna.IntDistribution(part.low, part.high)
        else:
            made[key] = optuna.FloatDistribution(part.low, part.high, log=part.log)
    return made


def _describe(space: Space) -> dict[str, Any]:
    """The space as JSON keeps it."""
    described = {
        key: [type(part).__name__, asdict(part)] for key, part in space.items()
    }
    return json.loads(json.dumps(described))
