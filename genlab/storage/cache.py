"""Arrays that are dear to make, kept in the user's cache folder under a checksum of what they are of."""

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genlab.storage.files import write_atomic


def folder(chosen: str | None = None) -> Path:
    """The folder that was chosen, or that of the user's caches."""
    if chosen is not None:
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "genlab"


def read(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a file by name; None where there is none, or a damaged one."""
    try:
        # np.load by a path leaves the file of a damaged archive open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """The file appears whole or not at all, so that two processes may make it side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
    write_atomic(path, archive.getvalue())
