"""The processes of one run: what the first tells the others, and how all end when one does.

They speak through the key-value store of JAX's coordination service. Each writes a record of its own
once a second and reads those of the others. One that fails says why in it; whoever reads that, or
hears nothing more of one, ends with a line: a collective would wait for it for ever.
"""

import contextlib
import itertools
import json
import logging
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from subprocess import Popen
from typing import Any, NoReturn

from genlab.errors import EXIT_LOST
from genlab.process import coordinator

LOST_AFTER = (
    25  # seconds without a sign of life; the coordinator outlives the first by more
)
_EVERY = 1.0  # seconds between two of them
_MORE = 15  # seconds that a busy machine may take to count these
_GOODBYE = 10  # seconds that the first waits at the end for the others
_ROOT = "genlab"

_told = itertools.count()
_numbers: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
_watch: "_Watch | None" = None


def count() -> int:
    """How many processes JAX runs in; starts no backend."""
    return _state().num_processes


def index() -> int:
    """Which of them this is, from 0."""
    return _state().process_id


def is_first() -> bool:
    """Whether this process looks after the run folder and speaks for all."""
    return index() == 0


def from_first(make: Callable[[], Any]) -> Any:
    """What the first process makes, as JSON keeps it, in all of them; the others wait for it.

    All processes ask in the same order. A process alone makes it for itself.
    """
    if count() == 1:
        return make()
    key = f"told/{next(_told)}"
    if is_first():
        made = make()
        tell(key, json.dumps(made))
        return made
    return json.loads(awaited(key))


def tell(key: str, text: str) -> None:
    """Says a text once, under a key of its own, to whoever waits for it."""
    _state().client.key_value_set(f"{_ROOT}/{key}", text)


def next_number(what: str) -> int:
    """1, 2, ... of what all processes count in the same order, for keys of its own."""
    return next(_numbers[what])


def awaited(key: str) -> str:
    """The text that a process says under a key, once it has."""
    from jax.errors import JaxRuntimeError

    while True:
        try:  # back in Python once a second, where signals are handled
            return _state().client.blocking_key_value_get(f"{_ROOT}/{key}", 1000)
        except JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise


def first_does(work: Callable[[], Any]) -> None:
    """The first process does it, and the others wait until it is done."""

    def done() -> None:
        work()

    from_first(done)


def watch(service: Popen | None) -> None:
    """From here on this process looks after the others and they after it.

    Args:
      service: the process of the coordination service, in the first.
    """
    global _watch
    _watch = _Watch(service)


def are_watched() -> bool:
    """Whether this process was started as one of several."""
    return _watch is not None


def fail(code: int, reason: str) -> None:
    """Tells the others, if there are any, why this process ends and with which exit code."""
    if _watch is not None:
        with contextlib.suppress(Exception):  # nobody is there to hear it
            _watch.say(failed=reason, code=code)


def await_verdict() -> None:
    """After an error of a collective: time for the watch to find out who was lost, which ends the
    process. Returns where all are there, so that the error is this process's own."""
    if _watch is not None:
        time.sleep(LOST_AFTER + _MORE)


def leave(code: int) -> NoReturn:
    """Ends the process; one of several without the barrier of `jax.distributed.shutdown`, in which it
    would wait for those that failed."""
    if _watch is None:
        sys.exit(code)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    with contextlib.suppress(Exception):
        _watch.take_leave()
    os._exit(code)


def end(code: int, told: str) -> NoReturn:
    """Ends the process from whichever thread, with a line."""
    print(f"genlab: error: {told}", file=sys.stderr, flush=True)
    os._exit(code)


class _Watch:
    """A thread that exchanges records, and one that counts for how long others have been silent.

    The second still counts where the first waits for a machine that is gone. It counts its own looks
    rather than seconds, so that nobody is lost while all of them sleep.
    """

    def __init__(self, service: Popen | None):
        self._service = service
        self._client, self._index, self._count = _state().client, index(), count()
        self._record: dict[str, Any] = {"beat": 0}
        self._heard: dict[int, dict[str, Any]] = {}
        self._silence: dict[int, int] = {}
        self._lock = threading.Lock()
        for task in (self._exchange, self._look_on):
            threading.Thread(target=task, daemon=True).start()

    def say(self, **news: Any) -> None:
        """Writes this process's record."""
        with self._lock:
            self._record |= {**news, "beat": self._record["beat"] + 1}
            key, text = f"{_ROOT}/peers/{self._index}", json.dumps(self._record)
            self._client.key_value_set(key, text, allow_overwrite=True)

    def take_leave(self) -> None:
        """Says that this process ends as it should; the first lets the others go before it."""
        self.say(left=True)
        if self._index:
            return
        deadline = time.monotonic() + _GOODBYE
        while self._staying() and time.monotonic() < deadline:
            time.sleep(0.05)
            self._listen()
        if self._service is not None and not self._staying():
            self._service.stdin.write(coordinator.OVER.encode())
            self._service.stdin.close()

    def _staying(self) -> list[int]:
        others = range(1, self._count)
        return [i for i in others if not self._heard.get(i, {}).get("left")]

    def _exchange(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # their silence is counted
                self.say()
                self._listen()
            time.sleep(_EVERY)

    def _listen(self) -> None:
        for key, text in self._client.key_value_dir_get(f"{_ROOT}/peers/"):
            other, record = int(key.rpartition("/")[2]), json.loads(text)
            if record != self._heard.get(other):
                self._silence[other], self._heard[other] = 0, record

    def _look_on(self) -> None:
        while True:
            time.sleep(_EVERY)
            for other, record in self._heard.copy().items():
                if other == self._index or "failed" in self._record:
                    continue
                if "failed" in record:
                    told = f"process {other} failed: {record['failed']}"
                    with contextlib.suppress(Exception):
                        self.say(left=True)
                    end(record["code"], told)
                self._silence[other] += not record.get("left")
                if self._silence[other] * _EVERY >= LOST_AFTER:
                    end(EXIT_LOST, self._loss(other))

    def _loss(self, other: int) -> str:
        return (
            f"process {other} of {self._count} has not been heard of for {LOST_AFTER} s; the same"
            " commands go on from the newest checkpoint"
        )


def _state() -> Any:
    """What JAX knows of the processes; there is no public name for its key-value store."""
    from jax._src.distributed import global_state

    return global_state
