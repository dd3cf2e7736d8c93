"""Checkpoints: orbax behind a manifest of checksums.

`checkpoints/00001000/` holds the arrays and `manifest.json`, the sha256 of every file. A checkpoint
appears whole, by a rename, or not at all. The newest ones and the best one are kept apart; a damaged
one is passed over with a word.
"""

import errno
import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError

PyTree = Any

_log = logging.getLogger("genlab")


def flatten(tree: PyTree) -> dict[str, Any]:
    """Leaves by their path in the tree, `params/generator/generator/dense_0/kernel`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in leaves
    }


class Checkpoints:
    """The checkpoints of one run.

    Args:
      folder: where they lie, `RUN/checkpoints`.
      keep: how many of the newest are kept, 1 or more.
      pinned: steps that are kept beside them, the ends of a run's stages.
    """

    def __init__(self, folder: Path, keep: int = 2, pinned: Collection[int] = ()):
        if keep < 1:
            raise InputError(f"checkpoint.keep={keep} is not a count of 1 or more")
        self._folder = folder.absolute()
        self._best = self._folder / "best"
        self._keep = keep
        self._pinned = frozenset(pinned)

    def steps(self) -> list[int]:
        """Steps of the newest checkpoints, ascending, intact or not."""
        return _steps(self._folder)

    def save(self, state: PyTree, step: int) -> None:
        """Writes the state after `step` rounds and lets the oldest before it go, beyond `keep`.

        Raises:
          InputError: the disk is full; what was there before is untouched.
        """
        _write(self._folder, state, step)
        older = [old for old in self.steps() if old < step and old not in self._pinned]
        for old in older[: max(0, len(older) - self._keep + 1)]:
            shutil.rmtree(self._folder / _name(old))

    def save_best(self, state: PyTree, step: int, name: str, score: float) -> bool:
        """Keeps the state as the best if its score is finite and lower than the best's.

        Args:
          state: the state after `step` rounds.
          step: rounds done.
          name: what the score is of; scores of another name do not compete.
          score: lower is better.
        """
        if not math.isfinite(score) or score >= self.best_score(name):
            return False
        older = _steps(self._best)
        _write(self._best, state, step, name=name, score=score)
        for old in older:
            if old != step:
                shutil.rmtree(self._best / _name(old))
        return True

    def best_score(self, name: str) -> float:
        """Score of the best checkpoint by `name`; infinity where there is none intact."""
        facts = [
            _manifest(self._best / _name(step))
            for step in _steps(self._best)
            if not _damage(self._best / _name(step))
        ]
        return min(
            (fact["score"] for fact in facts if fact["name"] == name), default=math.inf
        )

    def clean(self) -> None:
        """Removes what a killed save left behind; only for the holder of the run's lock."""
        for folder in (self._folder, self._best):
            for unfinished in folder.glob("unfinished-*"):
                shutil.rmtree(unfinished)

    def newest(self, best: bool = False) -> int | None:
        """Step of the newest intact checkpoint (or the best); None where there is none.

        Raises:
          InputError: every checkpoint is damaged.
        """
        folder = self._best if best else self._folder
        steps = _steps(folder)
        for step in reversed(steps):
            path = folder / _name(step)
            if damage := _damage(path):
                _log.warning("checkpoint %s is damaged (%s); passed over", path, damage)
                continue
            return step
        if steps:
            raise InputError(
                f"every checkpoint in {folder} is damaged; move the folder away to start anew"
            )
        return None

    def read(self, step: int, template: PyTree, best: bool = False) -> PyTree:
        """The state of a checkpoint, as NumPy arrays.

        Args:
          step: a step of `steps`, or of the best.
          template: a tree of the same structure, shapes and types.
          best: the best checkpoint of that step.

        Raises:
          InputError: no such checkpoint, a damaged one, or one that does not fit `template`.
        """
        path = (self._best if best else self._folder) / _name(step)
        if damage := _damage(path):
            raise InputError(f"checkpoint {path} is damaged ({damage})")
        return _read(path, template)


def _name(step: int) -> str:
    return f"{step:08d}"


def _steps(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _write(folder: Path, state: PyTree, step: int, **facts: Any) -> None:
    import orbax.checkpoint as ocp  # slow to import, and only training needs it

    target = folder / _name(step)
    if target.exists():
        if not facts and not _damage(target):
            return
        shutil.rmtree(target)  # damaged, or best by another name
    unfinished = folder / f"unfinished-{_name(step)}"
    shutil.rmtree(unfinished, ignore_errors=True)
    arrays = jax.tree.map(np.asarray, flatten(state))
    try:
        unfinished.mkdir(parents=True)
        # Asked before writing, since orbax's threads report a full disk on their own as well.
        if shutil.disk_usage(unfinished).free < sum(a.nbytes for a in arrays.values()):
            raise OSError(errno.ENOSPC, "No space left on device")
        with ocp.PyTreeCheckpointer() as checkpointer:
            checkpointer.save(unfinished / "state", arrays)
        manifest = {"step": step, **facts, "files": _checksums(unfinished)}
        (unfinished / "manifest.json").write_text(json.dumps(manifest, indent=1))
        _sync(unfinished)
        unfinished.rename(target)
        _sync_entry(folder)
    except (OSError, ValueError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if getattr(error, "errno", None) == errno.ENOSPC or "No space" in str(error):
            raise InputError(
                f"no space left on the disk for checkpoint {target}; the ones before it are"
                " intact: free some space and run the same command again"
            ) from None
        raise


def _sync(folder: Path) -> None:
    """Everything in the folder reaches the disk before the rename makes it count."""
    for path in (folder, *folder.rglob("*")):
        _sync_entry(path)


def _sync_entry(path: Path) -> None:
    """One file, or the list of a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checksums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _manifest(path: Path) -> dict[str, Any]:
    return json.loads((path / "manifest.json").read_text())


def _damage(path: Path) -> str:
    """What is wrong with a checkpoint on disk; empty where nothing is."""
    try:
        expected = _manifest(path)["files"]
    except (OSError, ValueError, KeyError):
        return "its manifest cannot be read"
    found = _checksums(path)
    for file, checksum in expected.items():
        if file not in found:
            return f"{file} is missing"
        if found[file] != checksum:
            return f"{file} has changed"
    return ""


def _read(path: Path, template: PyTree) -> PyTree:
    import orbax.checkpoint as ocp

    with ocp.PyTreeCheckpointer() as checkpointer:
        shapes = checkpointer.metadata(path / "state").item_metadata
        arrays = checkpointer.restore(
            path / "state",
            restore_args={name: ocp.RestoreArgs(np.ndarray) for name in shapes},
        )
    expected = flatten(template)
    for name in sorted(set(expected) ^ set(arrays)):
        holder = "the model" if name in expected else "the checkpoint"
        raise InputError(f"checkpoint {path} does not fit: only {holder} has {name!r}")
    for name, leaf in expected.items():
        found = arrays[name]
        if (found.shape, found.dtype) != (leaf.shape, leaf.dtype):
            raise InputError(
                f"checkpoint {path} does not fit: {name!r} is {found.dtype}{list(found.shape)},"
                f" the model has {leaf.dtype}{list(leaf.shape)}"
            )
    return jax.tree.unflatten(
        jax.tree.structure(template), [arrays[name] for name in expected]
    )
