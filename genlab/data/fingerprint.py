"""What a data set held when a run was trained on it, and what has changed since.

A fingerprint is kept in a run's `config.json` and compared when the run goes on, is evaluated, or is
told that its data lie elsewhere. It is of the data set as it is read: files by their names below the
root, sizes and contents, arrays by type, shape and bytes, rendered images by the version of what
draws them. Knobs are not part of it, since the config has them.
"""

import functools
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.files import Files, find_place
from genlab.data.limits import open_data
from genlab.data.split import ArraySplit, RenderedSplit, Split
from genlab.errors import InputError

WHOLE = 2**30  # bytes of files that are read whole; of more, an even sample of blocks
BLOCK = 2**14
LISTED = (
    1000  # files of which each has a digest of its own; of more, all together have one
)
SAMPLED = 256  # examples of a split that is neither arrays nor rendered

Fingerprint = dict[str, Any]

_SPLIT_BY_NAME = ("folder", "paired_folder", "unpaired_folder")


@functools.lru_cache(maxsize=4)  # every trial of a population asks for it
def fingerprint(data: Dataset) -> Fingerprint:
    """The fingerprint of a data set before any of its examples were chosen.

    Returns:
      `of` (what the parts are), `parts` (each with its digest), `count` and `bytes` of them, and of
      files `read`: `whole`, or how much of them was looked at.

    Raises:
      InputError: a file that cannot be read.
    """
    if data.files is not None:
        return _of_files(data.files)
    parts: dict[str, str] = {}
    for name, split in data.splits.items():
        parts |= _of_split(name, split)
    return {"of": "arrays", "count": len(parts), "parts": parts}


def check_same(before: Mapping[str, Any], data: Dataset, *, run: str) -> None:
    """Refuses data that are not those of a run.

    Args:
      before: the fingerprint that the run has kept.
      data: the data set, before any of its examples were chosen.
      run: name of the run's folder.

    Raises:
      InputError: something changed; says what.
    """
    now = fingerprint(data)
    if now != before:
        raise InputError(
            f"data {data.name!r} is not what run folder {run!r} was trained on:"
            f" {_difference(before, now, data)}; put the data back as they were (where they lie,"
            " --config.data.name= or --config.data.data_dir= says), or train anew in another"
            " --workdir=DIR"
        )


def check_older(data: Dataset, *, run: str) -> None:
    """Refuses data of which a run that is older than fingerprints held out other files.

    Args:
      data: the data set, before any of its examples were chosen.
      run: name of the run's folder.

    Raises:
      InputError: files without folders of their own for validation and test, which were held out
        by their number and are now by their names.
    """
    kind = data.name.partition(":")[0]
    if data.files is None or kind not in _SPLIT_BY_NAME:
        return
    root = data.files.root
    two = kind != "folder" and find_place(root, "train", "A")
    for split in ("validation", "test"):
        own = all(find_place(root, split, side) for side in ("AB" if two else ("",)))
        if data.splits[split].size and not own:
            raise InputError(
                f"run folder {run!r} is older than splits by file name: of {data.name!r}, without a"
                f" folder for {split}, other files are held out now; train anew in another"
                " --workdir=DIR"
            )


def _difference(
    before: Mapping[str, Any], now: Mapping[str, Any], data: Dataset
) -> str:
    """What differs between two fingerprints, of which the second is of the data, in words."""
    if before.get("of") != now["of"]:
        return f"it was read from {before.get('of')} and is now from {now['of']}"
    kind = now["of"]
    old, new = before.get("parts"), now["parts"]
    if not isinstance(old, Mapping):  # not what `fingerprint` wrote
        old = {}
    changes = {
        "changed": [name for name in old if name in new and old[name] != new[name]],
        "gone": [name for name in old if name not in new],
        "new": [name for name in new if name not in old],
    }
    # The one file of data that are no folder has no name in it.
    called = lambda name: data.files.root.name if name == "." and data.files else name
    told = [
        f"{len(names)} of {before.get('count')} {kind} {what}, first {called(names[0])}"
        for what, names in changes.items()
        if names
    ]
    if told:
        return ", ".join(told)
    return ", ".join(
        f"{key} {before.get(key)} before and {value} now"
        for key, value in now.items()
        if value != before.get(key)
    )


def _of_files(files: Files) -> Fingerprint:
    named = files.named()
    sizes = {name: path.stat().st_size for name, path in named.items()}
    total = sum(sizes.values())
    share = None if total <= WHOLE else max(1, WHOLE // BLOCK // len(named))
    parts = {name: _of_file(path, sizes[name], share) for name, path in named.items()}
    if len(parts) > LISTED:
        lines = "\n".join(f"{name} {digest}" for name, digest in parts.items())
        parts = {"all": _hex(hashlib.sha256(lines.encode("utf-8", "surrogateescape")))}
    read = (
        "whole" if share is None else f"sizes and {share} blocks of {BLOCK} bytes each"
    )
    return {
        "of": "files",
        "count": len(named),
        "bytes": total,
        "read": read,
        "parts": parts,
    }


def _of_file(path: pathlib.Path, size: int, share: int | None) -> str:
    """Size and digest of a file, of all of it or of `share` blocks at even distances."""
    with open_data(path) as file:
        if share is None or size <= share * BLOCK:
            return f"{size} {_hex(hashlib.file_digest(file, 'sha256'))}"
        return f"{size} {_hex(_of_blocks(file, size, share))}"


def _of_blocks(file: BinaryIO, size: int, share: int) -> Any:
    digest = hashlib.sha256()
    for place in range(share):
        file.seek(place * (size - BLOCK) // max(1, share - 1))
        digest.update(file.read(BLOCK))
    return digest


def _of_split(name: str, split: Split) -> dict[str, str]:
    if isinstance(split, RenderedSplit):
        return {name: f"rendered {split.size} version {split.version}"}
    if isinstance(split, ArraySplit):
        arrays = split.arrays
    else:
        rows = np.linspace(0, split.size - 1, min(split.size, SAMPLED)).astype(np.int32)
        arrays = split.gather(rows) if len(rows) else {}
        arrays = {"size": np.array(split.size), **arrays}
    return {f"{name}/{leaf}": _of_array(array) for leaf, array in arrays.items()}


def _of_array(array: np.ndarray) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(array))
    shape = "x".join(str(side) for side in array.shape)
    return f"{array.dtype} {shape} {_hex(digest)}"


def _hex(digest: Any) -> str:
    return digest.hexdigest()[:16]
