"""What is written while a terminal is drawn on, above the drawing."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from genlab.process.streams import printable

if TYPE_CHECKING:
    from rich.console import Console


@contextlib.contextmanager
def written_above(console: "Console") -> Iterator[None]:
    """Inside, what is logged, warned of or printed on the terminal appears above the drawing."""
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if type(handler) is logging.StreamHandler and handler.stream is sys.stderr
    ]
    streams = {"stderr": sys.stderr, "stdout": sys.stdout}
    if not sys.stdout.isatty():
        del streams["stdout"]
    above = {name: _Above(console, old) for name, old in streams.items()}
    for handler in handlers:
        handler.setStream(above["stderr"])
    for name, stream in above.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in above.items():
            if getattr(sys, name) is stream:
                setattr(sys, name, streams[name])
        for handler in handlers:
            handler.setStream(streams["stderr"])
        for stream in above.values():
            stream.end()


class _Above(io.TextIOBase):
    """Prints whole lines above what is drawn, in the place of a stream.

    It takes no lock but rich's: a thread that logs has that of the handler, which whoever ends the
    drawing waits for.
    """

    def __init__(self, console: "Console", stream: TextIO):
        self._console, self._stream, self._begun = console, stream, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._print(line)
        return len(text)

    def end(self) -> None:
        """Prints a line that has not ended."""
        if self._begun:
            self._print(self._begun)
            self._begun = ""

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(printable(line)), soft_wrap=True)
