"""How many rounds are done: a bar on a terminal, or a line."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from genlab.process.duration import told

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 16  # columns of the bar itself
KEPT = 0.9  # of what is known of the speed, at every call
LATE = 5.0  # seconds without a new round after which a line says so


class Bar:
    """A view on counted rounds, `genlab.process.display.View`.

    Args:
      total: rounds to do in all.
      done: rounds done at the start.
      name: what is counted, where it is one of several.
    """

    def __init__(self, total: int, done: int, name: str = ""):
        self._total, self._done, self._name = total, done, name
        self._begun: tuple[float, int] | None = None  # when the first call was over
        self._latest, self._notes = time.monotonic(), str
        self._rounds, self._seconds = 0.0, 0.0  # of late

    def advance(
        self, done: int, notes: Callable[[], str], seconds: float | None = None
    ) -> None:
        """Takes what a call has done.

        Args:
          done: rounds done in all.
          notes: gives what is to be seen beside them, when somebody looks.
          seconds: that the rounds since the last call took; None where they are not to be counted.
        """
        self._latest = time.monotonic()
        self._begun = self._begun or (self._latest, done)
        if seconds is not None:
            self._rounds = KEPT * self._rounds + done - self._done
            self._seconds = KEPT * self._seconds + seconds
        self._done, self._notes = done, notes

    def line(self) -> str:
        """Rounds, losses, rounds per second, time left."""
        share = 100 * self._done // max(self._total, 1)
        parts = [
            f"{self._name}round {self._done:,} of {self._total:,} ({share} %)",
            *filter(None, (self._notes(), self._speed(), self._left())),
        ]
        if self._begun and (late := time.monotonic() - self._latest) > LATE:
            parts.append(f"the next rounds take {told(late)} so far")
        return ", ".join(parts)

    def render(self) -> "RenderableType":
        """The same behind a bar; the least important last, where a terminal may end."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        row.add_column(width=WIDTH)
        row.add_column(no_wrap=True, overflow="ellipsis")
        done = f"{self._name}{self._done:,} of {self._total:,}"
        parts = (done, self._notes(), self._left(), self._speed())
        row.add_row(
            ProgressBar(total=max(self._total, 1), completed=self._done),
            Text("  ".join(filter(None, parts))),
        )
        return row

    def _speed(self) -> str:
        if not self._seconds:
            return ""
        rate = self._rounds / self._seconds
        return f"{rate:,.0f} rounds/s" if rate >= 10 else f"{rate:.2g} rounds/s"

    def _left(self) -> str:
        """By the clock, evaluations among the rounds."""
        if self._begun is None or self._done <= self._begun[1]:
            return ""
        begun, before = self._begun
        seconds = (self._latest - begun) / (self._done - before)
        left = f"{told(seconds * (self._total - self._done))} left"
        if self._seconds and seconds > 2 * self._seconds / self._rounds:
            left += ", most of it to measure, draw and save"
        return left
