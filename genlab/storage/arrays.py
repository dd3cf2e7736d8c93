"""Arrays by name in a folder, as orbax writes them, and in further files beside it; read back on request."""

import contextlib
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors.numpy import save

from genlab.storage.files import full, opened, write_atomic
from genlab.storage.tensors import tensors_in

# Bytes that stay free beside a state's own: for orbax's files, and for the run to go on.
MARGIN = 16 * 2**20

_OF_PARTS = (
    "b1",
    *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)),
    "f2",
    "f4",
    "f8",
)
_LOGGERS = ("absl", "asyncio")


def write(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays into `folder/state`.

    Args:
      folder: there, without a state in it.
      arrays: by name, none of them empty.

    Raises:
      InputError: the disk has less room than the arrays and a margin need.
      Exception: orbax's own, of many kinds.
    """
    need_room(folder, arrays)
    with _plain(folder) as path, _quiet(), _checkpointer() as checkpointer:
        checkpointer.save(path / "state", dict(arrays))


def write_part(folder: Path, part: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes further arrays of the same state into `folder/part-PART.safetensors`.

    Of several processes orbax writes NumPy arrays in the first alone, so that it cannot be what the others use.

    Args:
      folder: there, without this part in it.
      part: 1 or more.
      arrays: by name, which `fits_a_part`.

    Raises:
      InputError, OSError: the disk has no room, or does not let itself be written on.
    """
    need_room(folder, arrays)
    # The library writes memory as it lies, whatever the strides.
    rows = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_atomic(folder / f"part-{part}.safetensors", save(rows))


def fits_a_part(array: Any) -> bool:
    """Whether a part can hold an array: of numbers that NumPy itself has, in the order of this machine."""
    return np.dtype(array.dtype).str[1:] in _OF_PARTS and array.dtype.isnative


def check(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Reads back what was written into `folder` and compares every bit.

    It costs a third of the time that writing takes (600 MB: 1.9 s after 4.7 s), and once more the memory of
    the arrays.

    Raises:
      RuntimeError: what was written is not what is read back.
      Exception: orbax's own, of many kinds.
    """
    for name in others(folder, arrays):
        raise RuntimeError(f"in {folder} is another {name!r} than was written")


def others(folder: Path, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the arrays of which `folder` holds none, or another."""
    found = read(folder)
    return [
        name
        for name, array in arrays.items()
        if name not in found or not _same(found[name], array)
    ]


def read(folder: Path) -> dict[str, np.ndarray]:
    """The arrays in `folder/state`, and those in its further parts, by name.

    Raises:
      Exception: orbax's own, of many kinds, for what it cannot read.
    """
    import orbax.checkpoint as ocp

    with _plain(folder) as path, _quiet(), _checkpointer() as checkpointer:
        names = checkpointer.metadata(path / "state").item_metadata
        found = checkpointer.restore(
            path / "state",
            restore_args={name: ocp.RestoreArgs(np.ndarray) for name in names},
        )
    for part in parts(folder):
        with opened(part) as file:
            found |= tensors_in(file.read())
    return found


def parts(folder: Path) -> list[Path]:
    """The files of further parts."""
    return sorted(folder.glob("part-*.safetensors"))


def need_room(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises InputError where the disk has less room than arrays and a margin need; asked before writing, since a
    full disk is a turmoil among orbax's threads."""
    needed = sum(array.nbytes for array in arrays.values()) + MARGIN
    if shutil.disk_usage(folder).free < needed:
        raise full(folder)


def _checkpointer():
    """orbax's, which of several processes has to do with this one alone."""
    import orbax.checkpoint as ocp  # slow to import, and only training needs it

    if jax.process_count() == 1:
        return ocp.PyTreeCheckpointer()
    mine = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=mine,
        active_processes={mine},
        barrier_sync_key_prefix=f"genlab{mine}",
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


def _same(found: np.ndarray, array: np.ndarray) -> bool:
    if (found.shape, found.dtype) != (array.shape, array.dtype):
        return False
    return np.array_equal(*(a.reshape(-1).view(np.uint8) for a in (found, array)))


@contextlib.contextmanager
def _plain(folder: Path) -> Iterator[Path]:
    """The folder by a path of plain signs, whatever it is called.

    orbax finds its own files by a glob of the path as it stands, in which brackets and backslashes
    mean something, and tensorstore wants UTF-8; so the folder goes by its descriptor's number.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        path = Path(f"/proc/self/fd/{descriptor}")
        yield path if path.is_dir() else folder  # there is none on macOS
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Mutes what orbax's threads say of an error on their own; the caller gets it as well."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.disabled for logger in loggers]
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook = sys.unraisablehook = _ignore
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    except Exception:
        # What is still being written will find its event loop closed, with a traceback each.
        hooks = hooks[0], _but_closed_loops(hooks[1])
        raise
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


def _ignore(unraisable: Any) -> None:
    pass


def _but_closed_loops(hook: Callable[[Any], None]) -> Callable[[Any], None]:
    def told(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            hook(unraisable)

    return told
