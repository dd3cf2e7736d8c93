"""Trials as processes of their own on this machine, a bounded number at a time."""

import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from genlab.errors import Stopped
from genlab.process.signals import Stop
from genlab.sweep import process
from genlab.trials import pruned
from genlab.trials.trial import Trial


class Pool:
    """Runs `genlab` for each trial, in the trial's own folder.

    A trial that fails is recorded in its folder, `failed.txt`, and does not stop the others; one
    that was cut goes on where its folder stands.

    Args:
      path: the config of every trial, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep.
      environments: one entry for each process that may run at a time: variables that it sees.
    """

    def __init__(
        self,
        path: str,
        common: dict[str, str],
        sweep: Path,
        environments: list[dict[str, str]],
    ):
        self._path, self._common, self._sweep = path, common, sweep
        self.workers = len(environments)
        self._free: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        for environment in environments:
            self._free.put(environment)
        self.stopping = False

    def train(self, trials: list[Trial], stop: Stop) -> None:
        """Trains every trial that has no results yet.

        Raises:
          Stopped: a signal asked to stop; the running trials have saved and ended.
        """
        waiting = [trial for trial in trials if trial.results(self._sweep) is None]
        pruned.forget(waiting, self._sweep)
        with ThreadPoolExecutor(self.workers) as threads:
            self.wait([threads.submit(self.run, trial) for trial in waiting], stop)

    def wait(self, jobs: list[Future], stop: Stop) -> None:
        """Waits for jobs that call `run`; a signal, or one that raises, ends the others.

        Raises:
          Stopped: a signal asked to stop.
        """
        try:
            while not all(job.done() for job in jobs):
                broken = any(job.done() and job.exception() for job in jobs)
                self.stopping = self.stopping or bool(stop.signal) or broken
                time.sleep(process.POLL)
        except BaseException:  # a second signal; the trials do not hear of it
            self.stopping = True
            raise
        for job in jobs:
            job.result()
        if stop.signal:
            raise Stopped(
                f"sweep stopped by {stop.signal}; the running trials are saved"
            )

    def run(self, trial: Trial, watch: Callable[[], bool] = lambda: False) -> int:
        """Trains one trial, waiting for its process; returns the exit code of `process.run`.

        Args:
          trial: what to train.
          watch: asked while it trains; True asks the trial to stop.
        """
        environment = self._free.get()
        try:
            return process.run(
                trial,
                self._path,
                self._common,
                self._sweep,
                watch=lambda: self.stopping or watch(),
                environment=environment,
            )
        finally:
            self._free.put(environment)
