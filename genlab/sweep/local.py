"""Trials as processes of their own, a bounded number at a time."""

import logging
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from genlab.errors import Stopped
from genlab.run import in_use
from genlab.signals import Stop
from genlab.sweep.trial import Trial

_log = logging.getLogger("genlab")


class Pool:
    """Runs `launch.py` for each trial, in the trial's own folder.

    A trial that fails is recorded in its folder, `failed.txt`, and does not stop the others; one
    that was cut goes on where its folder stands.

    Args:
      path: the config of every trial, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep.
      workers: processes at a time.
    """

    def __init__(self, path: str, common: dict[str, str], sweep: Path, workers: int):
        self._path, self._common = path, common
        self._sweep, self._workers = sweep, workers
        self._running: set[subprocess.Popen] = set()
        self._guard = threading.Lock()
        self.stopping = False

    def train(self, trials: list[Trial], stop: Stop) -> None:
        """Trains every trial that has no results yet.

        Raises:
          Stopped: a signal asked to stop; the running trials have saved and ended.
        """
        waiting = [trial for trial in trials if trial.results(self._sweep) is None]
        with ThreadPoolExecutor(self._workers) as threads:
            self.wait([threads.submit(self.run, trial) for trial in waiting], stop)

    def wait(self, jobs: list[Future], stop: Stop) -> None:
        """Waits for jobs that call `run`; a signal ends them after they have saved.

        Raises:
          Stopped: a signal asked to stop.
        """
        while not all(job.done() for job in jobs):
            if stop.signal and not self.stopping:
                self._end()
            time.sleep(0.1)
        for job in jobs:
            job.result()
        if stop.signal:
            raise Stopped(
                f"sweep stopped by {stop.signal}; the running trials are saved"
            )

    def _end(self) -> None:
        with self._guard:
            self.stopping = True
            for process in self._running:
                process.terminate()

    def run(self, trial: Trial) -> None:
        """Trains one trial, waiting for its process."""
        folder = trial.folder(self._sweep)
        folder.mkdir(parents=True, exist_ok=True)
        # A killed sweep leaves the trials that it started; they go on to their end first.
        while in_use(folder) and not self.stopping:
            time.sleep(0.5)
        failed = folder / "failed.txt"
        failed.unlink(missing_ok=True)
        with (folder / "log.txt").open("a") as log:
            with self._guard:
                if self.stopping:
                    return
                command = trial.command(self._path, self._common, self._sweep)
                process = subprocess.Popen(command, stdout=log, stderr=log)
                self._running.add(process)
            code = process.wait()
            with self._guard:
                self._running.discard(process)
        if code and not self.stopping:
            reason = (folder / "log.txt").read_text().strip().splitlines()[-1:]
            failed.write_text("".join(reason) + "\n")
            _log.warning("trial %s %s failed: %s", trial.name, trial.overrides, *reason)
