"""Files as genlab writes and reads them: whole or not at all, through no link, never a pipe."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from genlab.errors import InputError

_DRAFT = ".unfinished"  # how the names of files end that are not whole yet
MOST_BYTES = 2**30  # of a file that is read whole and holds no arrays

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS = (
    "No space left",
    "quota exceeded",
    "File too large",
    "RESOURCE_EXHAUSTED",
)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replaces a file by a whole new one, or leaves the old one as it was.

    The new one is made under a name that nobody knows beforehand, and takes the place of a link
    rather than of what the link leads to. Text is UTF-8; what is none, bytes of odd file names, is
    spelt out.

    Raises:
      InputError: the disk is full.
      OSError: another reason, with the file's name.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    draft = path.with_name(f".{secrets.token_hex(8)}{_DRAFT}")
    with about(path):
        try:
            with draft.open("xb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # whoever clears drafts lets it be
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def remove_drafts(folder: Path) -> None:
    """Removes the files that interrupted writes left in a folder; those under way stay."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if not (path.name.startswith(".") and path.name.endswith(_DRAFT)):
            continue
        with (
            contextlib.suppress(OSError, InputError),
            opened(path, follow=False) as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def append(path: Path) -> int:
    """A descriptor that writes at the end of a file, which is made where it is missing.

    Raises:
      InputError: a link, a pipe or a folder lies there.
    """
    return _open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)


def write_whole(file: BinaryIO, content: bytes) -> None:
    """All of it, without a buffer that a full disk would be met with again on closing."""
    while content:
        content = content[file.write(content) :]


def opened(path: Path, *, follow: bool = True) -> BinaryIO:
    """A file to read from.

    Args:
      path: the file.
      follow: whether it may be a link.

    Raises:
      InputError: a pipe or a folder lies there, or a link where none may.
      OSError: there is no such file, or it may not be read.
    """
    return open(_open(path, os.O_RDONLY | (0 if follow else os.O_NOFOLLOW)), "rb")


def content(path: Path, most: int = MOST_BYTES, *, follow: bool = True) -> bytes:
    """The bytes of a file.

    Args:
      path: the file.
      most: bytes that it may have; of a larger one nothing is read.
      follow: whether it may be a link.

    Raises:
      InputError: it is larger, or as of `opened`.
      OSError: there is no such file, or it may not be read.
    """
    with opened(path, follow=follow) as file:
        # A read of so many bytes would take them at once.
        if (
            os.fstat(file.fileno()).st_size <= most
            and len(found := file.read()) <= most
        ):
            return found
    raise InputError(f"{str(path)!r} has more than {most:,} bytes")


def refuse_link(path: Path) -> None:
    """Raises InputError where a place that a run writes to is a link to another."""
    if path.is_symlink():
        raise InputError(
            f"{str(path)!r} is a link, and a run writes into its own folder alone; put what it"
            " leads to in its place, or remove it"
        )


def sync_folder(folder: Path) -> None:
    """Waits until everything in a folder is on the disk."""
    for path in (folder, *folder.rglob("*")):
        sync(path)


def sync(path: Path) -> None:
    """Waits until a file, or the list of a folder's entries, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def about(path: Path) -> Iterator[None]:
    """Inside, an error of the operating system names this file, and a full disk says what to do."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise full(path) from None
        raise OSError(error.errno, error.strerror, str(path)) from error


def is_full(error: Exception) -> bool:
    """Whether an error, be it a library's own kind, says that the disk or a quota is full."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(text in str(error) for text in _FULL_TEXTS)


def full(path: Path) -> InputError:
    """The error of a full disk."""
    return InputError(
        f"no space left on the disk for {path}; what was saved before is intact: free some"
        " space and run the same command again"
    )


def _open(path: Path, flags: int) -> int:
    """A descriptor of a regular file. Without O_NONBLOCK a pipe would be waited for."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise _irregular(path) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _irregular(path)
    return descriptor


def _irregular(path: Path) -> InputError:
    kind = "a link" if path.is_symlink() else "no regular file"
    return InputError(f"{str(path)!r} is {kind}; remove it, or name another folder")


def remove(path: Path) -> None:
    """Removes a file, a link or a folder with all that is in it, as far as that can be."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
