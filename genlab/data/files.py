"""Files of data: which lie below a folder, and which of them are held out."""

import hashlib
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError

SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}


@dataclass(frozen=True)
class Files:
    """The files that a data set is read from.

    Attributes:
      root: what their names are relative to, so that the folder may move.
      paths: the files.
    """

    root: pathlib.Path
    paths: tuple[pathlib.Path, ...]

    def named(self) -> dict[str, pathlib.Path]:
        """The files by their names below the root, with `/` between folders, in order."""
        named = {path.relative_to(self.root).as_posix(): path for path in self.paths}
        return dict(sorted(named.items()))


def find_place(root: pathlib.Path, split: str, suffix: str = "") -> pathlib.Path | None:
    """The folder of a split in any case, `trainA` for the suffix A; None where there is none.

    Raises:
      InputError: two of them, `val` and `Valid`.
    """
    names = {(name + suffix).lower() for name in SPLIT_NAMES[split]}
    found = [place for place in folders_in(root) if place.name.lower() in names]
    if len(found) > 1:
        raise InputError(
            f"{root} has the folders {found[0].name} and {found[1].name} for one split; keep one"
        )
    return found[0] if found else None


def folders_in(root: pathlib.Path) -> list[pathlib.Path]:
    """The folders in a folder, sorted by name; hidden ones are passed over."""
    with os.scandir(root) as entries:  # which knows folders without a look at each file
        return sorted(
            root / entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir()
        )


def files_below(
    place: pathlib.Path, suffixes: frozenset[str], deep: bool = True
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """What lies below a folder, however deep, or in it: files by their endings, and the others.

    Both are sorted. Links to folders are followed, each folder once. Hidden files and folders are passed over. A
    folder with the ending of a file is listed as one, so that whoever reads it says what it is.

    Raises:
      InputError: a folder that cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be listed ({error.strerror})")

    wanted, others, seen = [], [], set()
    for here, folders, names in os.walk(place, onerror=refuse, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        odd = [
            name for name in folders if os.path.splitext(name)[1].lower() in suffixes
        ]
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in odd
        )
        for name in (*odd, *names):
            path = pathlib.Path(here, name)
            if not name.startswith("."):
                (wanted if path.suffix.lower() in suffixes else others).append(path)
        if not deep:
            break
    return sorted(wanted), sorted(others)


def held_out(names: Sequence[str], fraction: float, split: str) -> np.ndarray:
    """Which of some files are held out, `[N]` bool: a matter of each one's name alone.

    The hash of a name up to its ending is a place in [0, 1), and below the fraction it is held out; so a new file moves no
    other, and the share is met on average only. Of few files, one at least stays behind, and one at
    least is held out where the fraction of them is half a file or more.

    Args:
      names: relative to the folder of their split.
      fraction: in [0, 1).
      split: what they are held out for; other splits draw other places.
    """
    stems = [os.path.splitext(name)[0] for name in names]
    places = np.array([_place(f"{split}/{stem}") for stem in stems])
    held = places < fraction
    if not held.any() and round(len(names) * fraction) >= 1:
        held[places.argmin()] = True
    if held.all() and len(names):
        held[places.argmax()] = False
    return held


def _place(name: str) -> float:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8]) / 2**64
