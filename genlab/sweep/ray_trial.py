"""A trial where Ray puts it: the actor that trains it, and what the sweep hears of it."""

import logging
import math
import os
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.result import DONE, TRAINING_ITERATION
from ray.tune.search.optuna import OptunaSearch

from genlab import trust
from genlab.errors import EXIT_STOPPED, InputError, Stopped
from genlab.process.signals import Stop
from genlab.storage.files import refuse_link
from genlab.sweep import process
from genlab.trials import failure, manifest, pruned
from genlab.trials.table import reached
from genlab.trials.tail import Evaluations, loss_of
from genlab.trials.trial import Trial, resolve

LOSS = "loss"  # the target, as a search minimises it

_log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Job:
    """What the trials of a sweep have in common, the same on every node.

    Attributes:
      path: the config of every trial, relative to `cwd`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep, absolute; the nodes share it.
      cwd: where the user is.
      target: `NAME` or `-NAME` of a search; empty for trials that are fixed.
      paths: where modules are looked for, see `import_paths`.
      trusted: whether the user said --trust.
    """

    path: str
    common: dict[str, str]
    sweep: Path
    cwd: Path
    target: str = ""
    paths: tuple[str, ...] = ()
    trusted: bool = False

    @property
    def store(self) -> Path:
        """Ray Tune's own folder, there as long as the sweep goes on."""
        return self.sweep / ".ray"

    @property
    def goes_on(self) -> bool:
        """Whether trials are to train; workers learn by its file that a sweep ends.

        A call would wait behind the one that trains, until the next evaluation.
        """
        return (self.store / "goes-on").exists()

    def begin(self) -> None:
        """Lets trials train."""
        refuse_link(self.store)
        self.store.mkdir(parents=True, exist_ok=True)
        (self.store / "goes-on").touch()

    def end(self) -> None:
        """Asks all trials to save and end."""
        (self.store / "goes-on").unlink(missing_ok=True)

    def trial(self, config: dict[str, Any]) -> Trial:
        """The trial of a Tune config: a fixed one, or a point of the space."""
        if not self.target:
            return config["trial"]
        (trial,) = resolve(self.path, self.common, [config])
        return trial


class Training(tune.Trainable):
    """An actor that trains one trial as a process, and reports its evaluations of the target.

    A result has the loss at an evaluation and the rounds of the last stage until then, or `done`
    with the final loss, or `done` with why there is none: `failed`, `unmeasured`. `saved` says that
    the process has ended as it was asked to.
    """

    def setup(self, config: dict[str, Any], job: Job) -> None:
        """Starts the process; one that another node began goes on where its folder stands."""
        os.chdir(job.cwd)
        # In front of what Ray has added, which looks for modules where the user is first.
        sys.path[:] = dict.fromkeys([*job.paths, *sys.path])
        if job.trusted:
            trust.everything()
        self._job, self._trial, self._asked = job, job.trial(config), False
        self._evaluations = Evaluations(self._trial, job.sweep, job.target)
        self._begin, self._end = self._evaluations.begin, self._evaluations.end
        self._new: deque[tuple[int, float]] = deque()
        self._last: dict[str, Any] = {LOSS: float("nan"), TRAINING_ITERATION: 0}
        self._process = ThreadPoolExecutor(1).submit(
            process.run,
            self._trial,
            job.path,
            job.common,
            job.sweep,
            watch=lambda: self._asked or not job.goes_on,
            cwd=job.cwd,
        )

    def step(self) -> dict[str, Any]:
        """Waits for the next evaluation or the end."""
        while self._job.goes_on and not self._process.done():
            try:
                if self._job.target and self._look():
                    return dict(self._last)
            except InputError as error:
                self._asked = True
                return {DONE: True, "unmeasured": str(error)}
            time.sleep(process.POLL)
        code = self._process.result()
        if code != EXIT_STOPPED:
            return {DONE: True, **self._outcome(code)}
        if self._job.goes_on:
            raise RuntimeError("the trial was stopped from outside")
        time.sleep(process.POLL)
        return {**self._last, "saved": True}

    def _look(self) -> bool:
        """Takes the next finite evaluation before the last round, if there is one."""
        self._new.extend(self._evaluations.new())
        while self._new:
            step, value = self._new.popleft()
            if step < self._end and math.isfinite(value):
                loss = loss_of(value, self._job.target)
                self._last = {LOSS: loss, TRAINING_ITERATION: step - self._begin}
                return True
        return False

    def _outcome(self, code: int) -> dict[str, Any]:
        # One whose plot failed has results all the same.
        if code and self._trial.results(self._job.sweep) is None:
            folder = self._trial.folder(self._job.sweep)
            return {"failed": failure.recorded(folder)}
        if not self._job.target:
            return {}
        try:
            value = reached(self._trial, self._job.sweep, self._job.target)
        except InputError as error:
            return {"unmeasured": str(error)}
        if value is None:
            return {}
        loss = loss_of(value, self._job.target)
        return {LOSS: loss, TRAINING_ITERATION: self._end - self._begin}

    def cleanup(self) -> None:
        """Ends a process that still trains; one that lost against others is marked so."""
        lost = self._job.goes_on and not self._asked and not self._process.done()
        self._asked = True
        if self._process.result() == EXIT_STOPPED and lost:
            folder, target = self._trial.folder(self._job.sweep), self._job.target
            step = self._begin + self._last[TRAINING_ITERATION]
            pruned.record(folder, step, target, loss_of(self._last[LOSS], target))


class Searcher(OptunaSearch):
    """Optuna, remembered by the storage of its study alone.

    Tune would pickle it every few seconds, and not every sampler or storage can be.
    """

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing: the study is saved as it goes."""


class Watch(tune.Callback):
    """Hears of the trials: failures are said and recorded, a signal ends all after they saved.

    Args:
      job: what the trials have in common.
      stop: whether a signal came.
    """

    def __init__(self, job: Job, stop: Stop):
        self._job, self._stop = job, stop
        self._saved: set[str] = set()
        self._refusal = ""

    def on_trial_start(self, iteration, trials, trial, **info) -> None:
        self._saved.discard(trial.trial_id)
        if self._job.target:
            manifest.add(self._job.sweep, [self._job.trial(trial.config)])

    def on_trial_result(self, iteration, trials, trial, result, **info) -> None:
        self._refusal = result.get("unmeasured", self._refusal)
        if "failed" in result:
            self._warn(trial, result["failed"])
        if "saved" in result:
            self._saved.add(trial.trial_id)

    def on_trial_error(self, iteration, trials, trial, **info) -> None:
        reason = failure.reason_in(str(trial.get_error())) or "its node died"
        folder = self._job.trial(trial.config).folder(self._job.sweep)
        folder.mkdir(parents=True, exist_ok=True)
        failure.record(folder, reason)
        self._warn(trial, reason)

    def on_step_end(self, iteration, trials, **info) -> None:
        if not self._stop.signal and not self._refusal:
            return
        self._job.end()
        if self._refusal:
            raise InputError(self._refusal)
        running = {trial.trial_id for trial in trials if trial.status == "RUNNING"}
        if running <= self._saved:
            raise Stopped(
                f"sweep stopped by {self._stop.signal}; the running trials are saved"
            )

    def _warn(self, trial: Any, reason: str) -> None:
        known = self._job.trial(trial.config)
        _log.warning("trial %s %s failed: %s", known.name, known.overrides, reason)
