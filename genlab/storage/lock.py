"""A lock that lasts as long as its holder: the kernel frees it, however the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genlab.storage import files


@contextmanager
def held(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Inside, nobody else holds the file, which is made where it is missing and stays.

    Args:
      path: the file; its folder is made too.
      wait: whether to wait for another holder.

    Raises:
      BlockingIOError: another holds it, and `wait` is off.
      InputError: a link, a pipe or a folder lies there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(files.append(path), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def is_held(path: Path) -> bool:
    """Whether somebody, be it this process, holds the file; asks without writing anything.

    Raises:
      OSError: it may not be read.
      InputError: a link, a pipe or a folder lies there.
    """
    try:
        with files.opened(path, follow=False) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_open_in(process: int, path: Path) -> bool:
    """Whether a process of this machine has the file open, where the machine says so (`/proc`)."""
    try:
        links = list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False
    return any(_is_same(link, path) for link in links)


def _is_same(link: Path, path: Path) -> bool:
    try:
        return link.samefile(path)
    except OSError:  # closed in between
        return False
