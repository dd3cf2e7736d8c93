"""Commands of launch.py in processes of their own, killed where a seed says.

Most are copies of one process that has imported everything and started no backend, since a start
of Python with JAX costs seconds; `Start` says which way.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIMIT = 300.0  # seconds after which a command counts as hanging
SLICE = 1.0  # seconds of a wait at a time

# Programs made with few optimisations, as the tests make them: most of the time is compilation. And
# so little memory for data that a bomb need not be large.
ENVIRONMENT = {
    "GENLAB_MAX_BYTES": str(2**28),
    "JAX_PLATFORMS": "cpu",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".pytest_cache" / "xla"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    # Of semaphores that the killed leave behind.
    "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
}

_IMPORTED = (
    *(
        "genlab.commands.cli",
        "genlab.training.train",
        "genlab.reporting.report",
        "genlab.sweep.command",
    ),
    *("optuna", "orbax.checkpoint", "tensorboardX", "matplotlib.pyplot"),
)
_copies = multiprocessing.get_context("forkserver")

# What the interpreter announces before it changes a file or a folder.
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def prepare() -> None:
    """Sets the environment of every command; before the first one starts."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["PYTHONPATH"] = str(ROOT)
    _copies.set_forkserver_preload(list(_IMPORTED))


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
      code: exit code; -9 for one that was killed.
      seconds: how long it lived.
      changes: changes of files that it announced.
      output: what it wrote to standard output and error.
    """

    code: int
    seconds: float
    changes: int
    output: str

    @property
    def last(self) -> str:
        """The last line of the output."""
        lines = [line for line in self.output.splitlines() if line.strip()]
        return lines[-1].strip()[-300:] if lines else "no output"


def command(
    arguments: list[str],
    log: Path,
    *,
    change: int = 0,
    seconds: float = LIMIT,
    cwd: Path = ROOT,
) -> Ended:
    """Runs a command of launch.py in a copy of the process that has imported everything.

    Args:
      arguments: of launch.py.
      log: where its output goes.
      change: it kills itself before this change of a file, counted from 1; 0 for none.
      seconds: it is killed after so many.
      cwd: where it runs.
    """
    return call(launch, (arguments, cwd), log, change=change, seconds=seconds)


def made(place: Path, commands: dict[str, list[str]], workers: int) -> str:
    """Gives commands side by side, each with a folder of its name; what one says that fails, or "".

    Args:
      place: where the folders lie.
      commands: the name of a folder to arguments of launch.py, without `--workdir`.
      workers: how many at a time.
    """

    def one(name: str) -> str:
        arguments = [*commands[name], f"--workdir={place / name}"]
        ended = command(arguments, place / f"{name}.log")
        return f"{name}: {ended.last}" if ended.code else ""

    with ThreadPoolExecutor(workers) as threads:
        return next(filter(None, list(threads.map(one, commands))), "")


def call(
    function: Callable,
    arguments: tuple[Any, ...],
    log: Path,
    *,
    change: int = 0,
    seconds: float = LIMIT,
) -> Ended:
    """The same for a function of a module, which may end in `sys.exit`."""
    changes = _copies.Value("q", 0, lock=False)
    process = _copies.Process(
        target=_begin, args=(log, change, changes, function, arguments)
    )
    process.start()
    spent = _waited(process.join, process.is_alive, seconds)
    if process.is_alive():
        process.kill()
        process.join()
    output = log.read_text(errors="replace") if log.exists() else ""
    return Ended(process.exitcode, spent, changes.value, output)


def fresh(arguments: list[str], log: Path, *, seconds: float = LIMIT) -> Ended:
    """Runs a command of launch.py from a new interpreter, imports and all."""
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "launch.py", *arguments],
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
        spent = _waited(
            lambda limit: _joined(process, limit),
            lambda: process.poll() is None,
            seconds,
        )
        process.kill()
        process.wait()
    return Ended(process.returncode, spent, 0, log.read_text(errors="replace"))


def _waited(join: Callable, is_alive: Callable[[], bool], seconds: float) -> float:
    """Waits for a process, so many seconds at most; how many it took. Those in which this process was
    stopped itself, by whoever shares the machine, do not count."""
    spent = 0.0
    while spent < seconds and is_alive():
        step, begin = min(SLICE, seconds - spent), time.monotonic()
        join(step)
        spent += min(time.monotonic() - begin, 2 * step)
    return spent


def _joined(process: subprocess.Popen, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _begin(
    log: Path, change: int, changes: Any, function: Callable, arguments: tuple
) -> None:
    """In the copy: output to the log, changes counted, then the function."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)

    def count(event: str, details: tuple) -> None:
        if event in _CHANGES or (event == "open" and details[2] & _WRITING):
            changes.value += 1
            if changes.value == change:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    function(*arguments)


def launch(arguments: list[str], cwd: Path) -> None:
    """In a copy: runs a command, and ends the process where it does not end well."""
    from genlab.commands.cli import main

    os.chdir(cwd)
    sys.argv = ["launch.py", *arguments]
    if code := main(sys.argv):
        sys.exit(code)
