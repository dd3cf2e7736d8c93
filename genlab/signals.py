"""Signals that ask a run to stop: it finishes its call, saves and says so."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class Stop:
    """Whether a stop was asked for, and by which signal."""

    signal: str = ""


@contextlib.contextmanager
def stop_requested() -> Iterator[Stop]:
    """Inside, SIGTERM and SIGINT are noted instead of obeyed; a second one is obeyed at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {}

    def note(number: int, frame) -> None:
        stop.signal = signal.Signals(number).name
        signal.signal(number, before[number])

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
