"""Signals that ask a run to stop: it finishes its call, saves and says so."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from genlab.errors import EXIT_INTERRUPTED

# A scheduler's notices, a terminal that went away, Ctrl-C.
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
# Somebody who sends one of these twice will not wait; the others come twice by themselves.
IMPATIENT = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether a stop was asked for, and by which signal."""

    signal: str = ""


@contextlib.contextmanager
def stop_requested() -> Iterator[Stop]:
    """Inside, STOPPING are noted instead of obeyed; of IMPATIENT a second one is obeyed at once.

    One that was ignored before, as of a process under nohup or in the background, stays ignored.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in STOPPING}

    def note(number: int, frame) -> None:
        stop.signal = signal.Signals(number).name
        if number in IMPATIENT:
            signal.signal(number, before[number])

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Inside, where nothing can be lost yet, an interrupt ends the process at once with one line.

    The exception that it is elsewhere may be swallowed by a module that is being imported.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def leave(number: int, frame) -> None:
        with contextlib.suppress(OSError):
            os.write(2, b"genlab: error: interrupted\n")
        os._exit(EXIT_INTERRUPTED)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
