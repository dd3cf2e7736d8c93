"""The process that trains one trial: started, watched, asked to stop, its failure recorded."""

import json
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from genlab.errors import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_STOPPED
from genlab.run.folder import in_use, in_use_by
from genlab.storage import files, sidefile
from genlab.storage.files import write_atomic
from genlab.trials import failure, pruned
from genlab.trials.trial import Trial

LOG = "log.txt"  # in the trial's folder, what its processes write
RECORD = "process.json"  # there too, which process trains it
POLL = 0.1  # seconds between two questions to `watch`

# How a process ends that a signal finds before it listens, or that gets a second one.
_SIGNALLED = (-signal.SIGTERM, -signal.SIGINT, EXIT_INTERRUPTED)

_log = logging.getLogger("genlab")


def run(
    trial: Trial,
    path: str,
    common: dict[str, str],
    sweep: Path,
    *,
    watch: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Trains a trial in its folder, to its end or until `watch` asks it to stop.

    A trial that was cut goes on where its folder stands. One that another process still trains, as
    the trials of a killed sweep are, is waited for. While the process lives its id is in
    `process.json`, its output in `log.txt`; why it failed goes to `failed.txt`. It has a session
    of its own: a Ctrl-C in the terminal reaches it by `watch` alone, and once.

    Args:
      trial: what to train; nothing is started for one that has its results or was pruned.
      path: the config of the sweep, relative to `cwd`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep, relative to `cwd`; absolute where `cwd` is given.
      watch: asked every POLL seconds; True sends SIGTERM, upon which the trial saves and ends.
      environment: variables that the process sees beside those of this one.
      cwd: where the process runs; None for here.

    Returns:
      The exit code: 0 for a trial with results, 75 for one that was asked to stop and goes on by
      the same call; any other is a failure.
    """
    folder = trial.folder(sweep)
    files.refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    trial.mend(sweep)
    (folder / failure.FILE).unlink(missing_ok=True)
    while True:
        if not _wait_for_another(folder, watch) or pruned.is_pruned(folder):
            return EXIT_STOPPED
        if trial.results(sweep) is not None:
            return 0
        # A task of a scheduler that trains several trials is no process of one run of several.
        command = [*trial.command(path, common, sweep), "--num-processes=1"]
        said = _size(folder / LOG)
        process = _start(command, folder, environment, cwd)
        try:
            asked, code = _follow(process, watch)
        finally:
            (folder / RECORD).unlink(missing_ok=True)
        reason = _reason(folder / LOG, said, code) if code else ""
        # Another process may have taken the folder between the look and the start.
        if code != EXIT_INPUT or "in use" not in reason:
            break
    if code in _SIGNALLED and not asked:
        # The signal may have been for the whole sweep, which learns of it about now.
        sleep(2 * POLL)
        asked = watch()
    # What its folder has is not lost, and the trial goes on from there.
    if code == EXIT_STOPPED or (asked and code in _SIGNALLED):
        return EXIT_STOPPED
    if code:
        failure.record(folder, reason)
        _log.warning("trial %s %s failed: %s", trial.name, trial.overrides, reason)
    return code


def is_running(folder: Path) -> bool:
    """Whether a process trains in the folder, as far as this machine can tell."""
    known = _known(folder)
    if known is None:
        return False
    return known["host"] != socket.gethostname() or _lives(known["process"])


def _wait_for_another(folder: Path, watch: Callable[[], bool]) -> bool:
    """Waits for whoever trains in the folder; False where `watch` ends the wait."""
    while in_use(folder):
        if watch():
            known = _known(folder)
            if known is not None and known["host"] == socket.gethostname():
                _ask(known["process"], folder)
            return False
        sleep(POLL)
    return not watch()


def _start(
    command: list[str],
    folder: Path,
    environment: Mapping[str, str] | None,
    cwd: Path | None,
) -> subprocess.Popen:
    with os.fdopen(files.append(folder / LOG), "ab") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            start_new_session=True,
        )
    record(folder, process.pid)
    return process


def record(folder: Path, process: int) -> None:
    """Notes which process of this machine trains the trial in a folder."""
    known = {"host": socket.gethostname(), "process": process}
    write_atomic(folder / RECORD, json.dumps(known))


@contextmanager
def recorded(folders: Iterable[Path]) -> Iterator[None]:
    """Inside, this process trains the trials in these folders."""
    folders = list(folders)
    for folder in folders:
        record(folder, os.getpid())
    try:
        yield
    finally:
        for folder in folders:
            (folder / RECORD).unlink(missing_ok=True)


def _follow(process: subprocess.Popen, watch: Callable[[], bool]) -> tuple[bool, int]:
    """Whether the process was asked to stop, and its exit code."""
    asked = False
    try:
        while True:
            try:
                return asked, process.wait(POLL)
            except subprocess.TimeoutExpired:
                if not asked and watch():
                    asked = True
                    process.terminate()
    finally:
        # Where `watch` raised, the trial is saved like any other.
        if process.returncode is None:
            process.terminate()
            process.wait()


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _reason(log: Path, begin: int, code: int) -> str:
    """Why the process ended that wrote the log from a byte on; those before it say nothing."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    with log.open("rb") as file:
        file.seek(begin)
        text = file.read().decode(errors="replace")
    return failure.reason_in(text) or f"exit code {code}"


def _known(folder: Path) -> dict | None:
    return sidefile.read(folder / RECORD, _is_process)


def _is_process(content: Any) -> bool:
    """Whether it names one process: signals to numbers below 1 reach many."""
    process = content["process"]
    return (
        isinstance(content["host"], str)
        and type(process) is int
        and 1 < process < 2**31
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _ask(process: int, folder: Path) -> None:
    """Asks it to stop if the folder is its own: the record may be old, or of a stranger."""
    if in_use_by(folder, process):
        os.kill(process, signal.SIGTERM)
