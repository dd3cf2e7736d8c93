"""Arrays that are dear to make, kept in the user's cache folder under a checksum of what they are of.

A cache only saves time: whatever is wrong with it, arrays are made anew.
"""

import functools
import io
import logging
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from genlab.errors import InputError
from genlab.storage.files import opened, write_atomic

_log = logging.getLogger("genlab")


def read(
    name: str,
    fields: Collection[str],
    folder: str | None = None,
    *,
    is_whole: Callable[[dict[str, np.ndarray]], bool],
    most: int,
) -> dict[str, np.ndarray] | None:
    """The arrays that `write` kept.

    Args:
      name: of the file.
      fields: names of the arrays.
      folder: where the file lies; None is the folder of the user's caches.
      is_whole: whether arrays by these names are what belongs into it; what it raises counts as no.
      most: bytes that they may take, unpacked.

    Returns:
      The arrays by name; None where there is no such file, or a damaged or another one.
    """
    try:
        # np.load by a path leaves the file of a damaged archive open.
        with (
            opened(_folder(folder) / name) as file,
            np.load(file, allow_pickle=False) as archive,
        ):
            unpacked = sum(entry.file_size for entry in archive.zip.infolist())
            if unpacked > most:
                return None
            found = {field: archive[field] for field in fields}
            return found if is_whole(found) else None
    except Exception:  # noqa: BLE001 - a damaged archive raises errors of many libraries
        return None


def are_rows(arrays: Mapping[str, np.ndarray], count: int) -> bool:
    """Whether every array is `[count, ...]` float32 of two axes."""
    found = {(array.dtype, array.ndim, len(array)) for array in arrays.values()}
    return found == {(np.dtype(np.float32), 2, count)}


def write(
    name: str, arrays: Mapping[str, np.ndarray], folder: str | None = None
) -> None:
    """Keeps arrays for `read`; where that fails, a warning says so once.

    The file appears whole or not at all, so that two processes may make it side by side.

    Args:
      name: of the file.
      arrays: by name.
      folder: where it goes; None is the folder of the user's caches.
    """
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
    try:
        path = _folder(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, archive.getvalue())
    except InputError:
        _tell("no space is left on the disk")
    except OSError as error:
        _tell(error.strerror or str(error))
    except RuntimeError as error:  # nobody knows where home is
        _tell(str(error))


def _folder(chosen: str | None) -> Path:
    if chosen is not None:
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "genlab"


@functools.cache  # said once
def _tell(reason: str) -> None:
    _log.warning("nothing is cached, and will be made anew each time: %s", reason)
