"""What is opened as data, and how many bytes it may become in memory."""

import os
import pathlib
import stat
from typing import BinaryIO

from genlab.errors import InputError

VARIABLE = "GENLAB_MAX_BYTES"
UNKNOWN_MEMORY = 2**32  # the limit where the machine does not say what it has

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_data(path: pathlib.Path) -> BinaryIO:
    """A file of data, open for reading.

    Raises:
      InputError: there is none, it may not be read, or it is a pipe, a socket, a device or a
        folder, which is then not opened: a pipe would be waited for without end.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "no file")
            raise InputError(f"{path} is {kind}; a regular file is needed")
        return open(path, "rb")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason})") from None


def check_size(what: str, nbytes: int) -> None:
    """Raises InputError where `nbytes`, as announced and before anything is read or made, are above
    the limit: half of the machine's memory, or what the variable GENLAB_MAX_BYTES says."""
    limit = max_bytes()
    if nbytes > limit:
        raise InputError(
            f"{what} would take {_readable(nbytes)}, above the limit of {_readable(limit)}; if it"
            f" is what you want, {VARIABLE}={nbytes} in the environment raises the limit"
        )


def max_bytes() -> int:
    """Bytes that one file, array or batch may take in memory.

    Raises:
      InputError: the variable is no whole number of 1 or more.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return _half_of_memory()
    if not text.isdecimal() or not int(text):
        raise InputError(f"{VARIABLE}={text!r} is no number of bytes, such as {2**32}")
    return int(text)


def _half_of_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):  # not every system says
        return UNKNOWN_MEMORY


def _readable(nbytes: int) -> str:
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if nbytes >= size:
            return f"{nbytes / size:,.1f} {unit}"
    return f"{nbytes:,} bytes"
