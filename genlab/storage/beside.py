"""One piece of work at a time beside the thread that asks for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Beside:
    """Does one thing at a time in a thread of its own.

    What it raises is raised where it is next waited for, or looked after.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._work: Future | None = None

    def begin(self, work: Callable[[], None]) -> None:
        """Waits for what was begun before, and begins this."""
        self.wait()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "genlab-saves")
        self._work = self._thread.submit(work)

    def wait(self) -> None:
        """Until all is done; raises what the work raised."""
        work, self._work = self._work, None
        if work is not None:
            work.result()

    def look(self) -> None:
        """Raises what work raised that is over; waits for none."""
        if self._work is not None and self._work.done():
            self.wait()
