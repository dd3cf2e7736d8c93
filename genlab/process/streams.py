"""Standard output and error that never fail and never steer a terminal.

Whoever reads may have gone, the disk may be full, the encoding may be ASCII: none of it is a reason
to end a training. What a file's name or a stranger's config says is shown, not obeyed.
"""

import errno
import io
import logging
import os
import re
import select
import sys
from typing import TextIO

# Control characters, directions and lines of Unicode, bytes of a name that are not UTF-8.
_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def install() -> None:
    """Puts the streams of this module in the place of the process's own, once.

    Streams that a test or a notebook has put there stay.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file opened would be given what is printed
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _Stream.over(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _Stream.over(sys.stderr, 2)


def printable(text: str) -> str:
    """The text with characters that steer a terminal spelt out, line ends and tabs aside."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def terminal() -> TextIO:
    """Standard error for what draws on it, a progress bar, whose control characters are meant."""
    return getattr(sys.stderr, "undisguised", sys.stderr)


def deliver(text: str) -> None:
    """Prints what a command was asked for.

    Raises:
      OSError: it could not be written; a reader who had seen enough, `| head`, is no error.
    """
    print(text)
    lost = getattr(sys.stdout, "lost", None)
    if lost is not None and lost.errno != errno.EPIPE:
        raise OSError(lost.errno, lost.strerror, "standard output")


class LogFormatter(logging.Formatter):
    """One printable line a message, also through a stand-in for standard error."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record)).replace("\n", "\\n")


class _Lasting(io.FileIO):
    """A descriptor to which every write succeeds; what failed is in `lost`."""

    lost: OSError | None = None

    def write(self, data) -> int:
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view):
                written = super().write(view[done:])
                if written is None:  # a terminal that somebody made non-blocking
                    select.select([], [self], [])
                done += written or 0
        except OSError as error:
            self.lost = error
        return len(view)


class _Stream(io.TextIOWrapper):
    """Text to a descriptor, printable whatever is written."""

    undisguised: TextIO

    @classmethod
    def over(cls, stream: TextIO | None, number: int) -> TextIO:
        """The stream in the place of another, None where its descriptor was closed."""
        raw = _Lasting(number, "w", closefd=False)
        encoding = stream.encoding if stream else "utf-8"
        how = dict(encoding=encoding, errors="backslashreplace", line_buffering=True)
        made = cls(raw, **how)
        made.undisguised = io.TextIOWrapper(raw, **how)
        return made

    @property
    def lost(self) -> OSError | None:
        return self.buffer.lost

    def write(self, text: str) -> int:
        super().write(printable(text))
        return len(text)
