"""What a command shows of its work: drawn in place on a terminal, elsewhere a line now and then.

Whoever does something that may last says so by `doing`, or shows a view of how far it is by
`watching`; one thread draws what is innermost. Standard output is for results: nothing is shown there,
and what is printed there on a terminal that is drawn on appears above the drawing.
"""

import contextlib
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from genlab.process.above import written_above
from genlab.process.duration import told
from genlab.process.streams import printable, terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

FIRST = 1.0  # seconds after which a command says for the first time what it is doing
SOON = 2.0  # seconds that something lasts before a line speaks of it
EVERY = (
    8.0  # seconds between two lines, on a machine with nothing to spare still below ten
)
REDRAW = 0.5  # seconds between two looks

_log = logging.getLogger("genlab")


class View(Protocol):
    """How far something is."""

    def line(self) -> str:
        """In one line, for a log."""

    def render(self) -> "RenderableType":
        """For a terminal."""


@dataclass(eq=False)
class _Work:
    """Something under way.

    Attributes:
      what: a text, which is shown with how long it has lasted, or a view.
      begun: when.
      said: whether a line has spoken of it.
    """

    what: str | View
    begun: float
    said: bool = False

    @property
    def is_text(self) -> bool:
        return isinstance(self.what, str)

    def line(self) -> str:
        if self.is_text:
            lasted = time.monotonic() - self.begun
            return f"{self.what}, {told(lasted)}" if lasted >= 1 else self.what
        return self.what.line()


class Display:
    """Draws what is under way for as long as it is open.

    Args:
      console: a terminal that is drawn on; None writes lines.
    """

    def __init__(self, console: "Console | None" = None):
        self.begun = self._spoken = time.monotonic()
        self._console, self._live = console, None
        self._above = contextlib.ExitStack()  # what is undone where nothing is drawn
        self._works: list[_Work] = []
        self._never_spoke, self._complained = True, False
        self._lock, self._over = threading.RLock(), threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the drawing; nothing of it stays on a terminal."""
        self._over.set()
        self._thread.join()
        self._erase()

    @contextlib.contextmanager
    def under_way(self, what: str | View) -> Iterator[Callable[[str], None]]:
        """Inside, this is shown, or what is under way in it; gives what replaces its text."""
        work = _Work(what, time.monotonic())

        def retell(text: str) -> None:
            work.what = text

        with self._lock:
            self._works.append(work)
        try:
            yield retell
        finally:
            with self._lock:
                self._works.remove(work)
                if not self._works:
                    self._erase()

    def _look_on(self) -> None:
        while not self._over.wait(REDRAW):
            self.look()

    def look(self) -> None:
        """Says or draws what is under way where that is due; if it cannot, warns of it once."""
        # A copy, since nobody who works waits for a view that reads files.
        if works := [*self._works]:
            try:
                if self._console is None:
                    self._speak(works)
                else:
                    self._draw(works)
            except Exception as error:  # noqa: BLE001 of views, files and terminals alike
                self._erase()
                self._complain(error)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            name = type(error).__name__
            _log.warning("what is under way cannot be shown: %s: %s", name, error)

    def _speak(self, works: list[_Work]) -> None:
        now, last = time.monotonic(), works[-1]
        patience = FIRST if self._never_spoke else SOON
        is_new = not last.said and now - last.begun >= patience
        if is_new or now - self._spoken >= EVERY:
            self._spoken, self._never_spoke, last.said = now, False, True
            said = [last] if last.is_text else [w for w in works if not w.is_text]
            say("; ".join(work.line() for work in said))

    def _draw(self, works: list[_Work]) -> None:
        from rich.console import Group
        from rich.text import Text

        shown = [work.what.render() for work in works if not work.is_text]
        if works[-1].is_text:
            shown.append(Text(printable(works[-1].line()), style="dim"))
        with self._lock:
            if self._works:
                self._begin_drawing()
                self._live.update(Group(*shown), refresh=True)

    def _begin_drawing(self) -> None:
        from rich.live import Live

        if self._live is None:
            live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live = self._above.enter_context(live)
            self._console.show_cursor()  # or whatever kills the process leaves none
            self._above.enter_context(written_above(self._console))

    def _erase(self) -> None:
        with self._lock:
            self._live = None
            try:
                self._above.close()
            except Exception as error:  # noqa: BLE001 whoever works goes on without a terminal
                self._complain(error)


_display: Display | None = None


@contextlib.contextmanager
def shown(console: "Console | None" = None) -> Iterator[Display]:
    """Inside, the process shows what it is doing; inside of another, that one goes on.

    Args:
      console: a terminal to draw on; None takes standard error where it is one.
    """
    global _display
    if _display is not None:
        yield _display
        return
    _display = Display(console or _terminal_console())
    try:
        yield _display
    finally:
        ended, _display = _display, None
        ended.close()


def doing(what: str) -> contextlib.AbstractContextManager[Callable[[str], None]]:
    """Inside, this is what the process is doing; gives a function that says it anew."""
    return _under_way(what)


def watching(view: View) -> contextlib.AbstractContextManager:
    """Inside, how far the process is shows in the view."""
    return _under_way(view)


def compiling(call: Callable) -> Callable:
    """The function, whose first call compiles what it calls."""
    calls = itertools.count()

    def shown(*arguments: Any) -> Any:
        if next(calls):
            return call(*arguments)
        begun = time.monotonic()
        with doing("compiling"):
            outcome = call(*arguments)
        if (lasted := time.monotonic() - begun) > SOON:
            say(f"compiled in {told(lasted)}")
        return outcome

    return shown


def lasted() -> float:
    """Seconds since the command began, or whatever opened the display."""
    return time.monotonic() - _display.begun if _display else 0.0


def say(text: str) -> None:
    """A line that stays, also where a program of the user's own has set no logging up."""
    if _log.hasHandlers() or _log.level:
        _log.info("%s", text)
    else:
        print(f"genlab: {text}", file=sys.stderr)


def _under_way(what: str | View) -> contextlib.AbstractContextManager:
    if _display is None:
        return contextlib.nullcontext(lambda text: None)
    return _display.under_way(what)


def _terminal_console() -> "Console | None":
    """Standard error where it is a terminal that can be drawn on."""
    stream = terminal()
    if not (hasattr(stream, "isatty") and stream.isatty()):
        return None
    from rich.console import Console

    console = Console(file=stream)
    return console if console.is_interactive else None
