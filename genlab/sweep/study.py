"""A study: Optuna chooses the trials of a space, an engine trains them, a storage remembers."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.errors import EXIT_STOPPED, InputError
from genlab.process.signals import Stop
from genlab.storage.lock import held, is_held
from genlab.sweep.judge import Judge, check_target
from genlab.sweep.pool import Pool
from genlab.sweep.search import Search, distributions, overrides_of
from genlab.sweep.storage import open_study
from genlab.trials import manifest
from genlab.trials.space import draw
from genlab.trials.table import reached, state_of
from genlab.trials.tail import loss_of
from genlab.trials.trial import Trial, resolve

if TYPE_CHECKING:
    import optuna


class Study:
    """Trials of a space, chosen one after another by what the ones before reached.

    Told of a trial is the target's last evaluation on `eval.split`; `results.json`, on
    `eval.final_split`, plays no part in the choice.

    Several processes, on several machines where they share a storage, may work on one study. Each
    holds a lock on a file of its own, so that a trial whose process died is trained to its end by
    the next that sees the file; one that was asked to stop by the next anywhere.

    Args:
      path: the config of every trial.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep, which has its manifest.
      search: how the trials are chosen.

    Attributes:
      every: rounds between two evaluations of a trial.
      steps: rounds of a whole trial.
      known: the same as Optuna has it.

    Raises:
      InputError: no Optuna, a storage that does not answer, a key that the config does not have, a
        target that it does not measure during training, or a study that was made by another
        space, target, config or overrides.

    Paper: Akiba et al. 2019, arXiv:1907.10902
    """

    def __init__(self, path: str, common: dict[str, str], sweep: Path, search: Search):
        self.path, self.common, self.sweep, self.search = path, common, sweep, search
        (example,) = resolve(path, common, draw(search.space, 1))
        check_target(example.config, search)
        self.every = example.config["eval"]["every"]
        self.steps = example.config["train"]["steps"]
        self.known = open_study(
            path, sweep, search, common, every=self.every, steps=self.steps
        )
        self._owner = uuid.uuid4().hex
        self._guard = threading.Lock()

    def train(self, pool: Pool, stop: Stop) -> list[Trial]:
        """Trains until the study has all its trials; returns every trial it has, each once.

        Raises:
          InputError: the target is not among what a trial measured.
          Stopped: a signal asked to stop; the running trials have saved.
        """
        own = _owner_file(self.sweep, self._owner)
        with held(own), ThreadPoolExecutor(pool.workers) as threads:
            jobs = [threads.submit(self._work, pool) for _ in range(pool.workers)]
            pool.wait(jobs, stop)
        own.unlink()
        return self.trials()

    def trials(self) -> list[Trial]:
        """Every trial that the study has, each once."""
        trials = [self._trial(trial.params) for trial in self.known.get_trials()]
        return list({trial.name: trial for trial in trials}.values())

    def _work(self, pool: Pool) -> None:
        while not pool.stopping and (claimed := self._next()) is not None:
            self._train(claimed, pool)

    def _train(self, claimed: "optuna.Trial", pool: Pool) -> None:
        """Trains a trial and tells what came of it, or leaves it to the next who looks."""
        trial = self._trial(claimed.params)
        judge = Judge(claimed, trial, self.sweep, self.search.target)
        # Of two trials with the same knobs one trains; the other takes what came of it.
        watch = judge.gives_up if self._is_first(claimed) else lambda: False
        try:
            code = pool.run(trial, watch)
            # Evaluations that came after the last look count all the same.
            if watch():
                judge.record()
            self._tell(claimed, trial, code)
        except InputError:
            _leave(claimed)
            raise

    def _tell(self, claimed: "optuna.Trial", trial: Trial, code: int) -> None:
        from optuna.trial import TrialState

        state = state_of(trial, self.sweep)
        if state == "unfinished" and code == EXIT_STOPPED:
            return _leave(claimed)
        value = reached(trial, self.sweep, self.search.target)
        if state == "pruned":
            self.known.tell(claimed.number, state=TrialState.PRUNED)
        elif value is None:
            self.known.tell(claimed.number, state=TrialState.FAIL)
        else:
            loss = loss_of(value, self.search.target)
            self.known.tell(claimed.number, loss)

    def _next(self) -> "optuna.Trial | None":
        """A trial that nobody trains any more, else a new one, else None when there are enough."""
        from optuna.trial import Trial as Running
        from optuna.trial import TrialState

        # Processes that share a study claim its trials one after another.
        with self._guard, held(self.sweep / ".study.lock"):
            trials = self.known.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state == TrialState.RUNNING and self._is_left(trial):
                    claimed = Running(self.known, trial._trial_id)
                    break
            else:
                # What an engine put back is waiting, and the next to be asked for.
                begun = [t for t in trials if t.state != TrialState.WAITING]
                if len(begun) >= self.search.count:
                    return None
                claimed = self.known.ask()
            claimed.set_user_attr("owner", self._owner)
            # A kill may have come between two knobs; those that are chosen already stay.
            for key, distribution in distributions(self.search.space).items():
                claimed._suggest(key, distribution)
            manifest.add(self.sweep, [self._trial(claimed.params)])
            return claimed

    def _is_left(self, trial: "optuna.trial.FrozenTrial") -> bool:
        """Whether nobody trains a running trial any more, as far as the folder can tell."""
        owner = trial.user_attrs.get("owner", "")
        if not isinstance(owner, str) or not owner or Path(owner).name != owner:
            return True
        file = _owner_file(self.sweep, owner)
        return file.exists() and not is_held(file)

    def _is_first(self, claimed: "optuna.Trial") -> bool:
        trials = self.known.get_trials(deepcopy=False)[: claimed.number]
        return all(trial.params != claimed.params for trial in trials)

    def _trial(self, params: dict[str, Any]) -> Trial:
        overrides = overrides_of(self.search.space, params)
        (trial,) = resolve(self.path, self.common, [overrides])
        return trial


def _leave(claimed: "optuna.Trial") -> None:
    """Leaves a trial, as far as it is trained, to the next who looks for one."""
    claimed.set_user_attr("owner", "")


def _owner_file(sweep: Path, owner: str) -> Path:
    return sweep / ".owners" / owner
