"""Checkpoints: orbax behind a manifest of checksums.

`checkpoints/00001000/` holds the arrays and `manifest.json`: the run, the step and the sha256 of
every file. A checkpoint appears whole, by a rename, once it was read back and found equal bit for
bit, or not at all; and it goes whole. The newest ones and the best one are kept apart; one that is
damaged, or another run's, is passed over with a word.
"""

import logging
import math
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError
from genlab.storage import arrays, seal
from genlab.storage.beside import Beside
from genlab.storage.crew import Alone, helping
from genlab.storage.files import full, is_full, refuse_link, remove, sync, sync_folder
from genlab.storage.tree import fitted, flatten

PyTree = Any

_DRAFT = "unfinished-"  # how the names of folders begin that are not whole, or no more

_log = logging.getLogger("genlab")


class Checkpoints:
    """The checkpoints of one run.

    Args:
      folder: where they lie, `RUN/checkpoints`.
      keep: how many of the newest are kept, 1 or more.
      pinned: steps that are kept beside them, the ends of a run's stages.
      run: the identity of the run; those of another are passed over. Empty takes any.

    Attributes:
      manner: who writes the next one, this process alone at first.
    """

    def __init__(
        self,
        folder: Path,
        keep: int = 2,
        pinned: Collection[int] = (),
        run: str = "",
    ):
        if keep < 1:
            raise InputError(f"checkpoint.keep={keep} is not a count of 1 or more")
        self._folder = folder.absolute()
        self._best = self._folder / "best"
        self._keep = keep
        self._pinned = frozenset(pinned)
        self._run = run
        self._beside = Beside()
        self.manner: Callable[[], Alone] = Alone

    def steps(self) -> list[int]:
        """Steps of the newest checkpoints, ascending, intact or not."""
        self._beside.wait()
        return _steps(self._folder)

    def save(self, state: PyTree, step: int) -> None:
        """Writes the state after `step` rounds and lets the oldest before it go, beyond `keep`.

        Raises:
          InputError: the disk is full; what was there before is untouched.
        """
        self._beside.wait()
        self._save(state, step, self.manner())

    def save_beside(self, state: PyTree, step: int) -> None:
        """The same of a copy that is made now, while the caller goes on.

        Whatever else is asked of these checkpoints waits for it, and raises what it met; `look_after` raises it as
        soon as it is over. Until then the newest checkpoint is the one before.
        """
        self._beside.wait()  # before there is a second copy
        # Of arrays on a CPU there are views, of memory that the next round uses again.
        copy, writing = jax.tree.map(np.array, state), self.manner()
        self._beside.begin(lambda: self._save(copy, step, writing))

    def help_save(self, state: PyTree) -> None:
        """Writes this process's share of what the first of several saves, while the caller goes on."""
        self._beside.begin(helping(self._folder, state))

    def look_after(self) -> None:
        """Raises what `save_beside` met, as `save` does, if it is over."""
        self._beside.look()

    def wait(self) -> None:
        """Until what `save_beside` began is done; raises what it met."""
        self._beside.wait()

    def _save(self, state: PyTree, step: int, writing: Alone) -> None:
        target = self._folder / _name(step)
        if self._damage(target):
            self._write(target, state, step, writing)
        else:
            writing.give_up()
        steps = _steps(self._folder)
        older = [old for old in steps if old < step and old not in self._pinned]
        for old in older[: max(0, len(older) - self._keep + 1)]:
            path = self._folder / _name(old)
            if not self._run or seal.owner(path) in ("", self._run):
                _let_go(path)

    def save_best(self, state: PyTree, step: int, name: str, score: float) -> bool:
        """Keeps the state as the best if its score is finite and lower than the best's.

        Args:
          state: the state after `step` rounds.
          step: rounds done.
          name: what the score is of; scores of another name do not compete.
          score: lower is better.
        """
        self._beside.wait()
        if not math.isfinite(score) or score >= self.best_score(name):
            return False
        older, facts = _steps(self._best), {"name": name, "score": score}
        self._write(self._best / _name(step), state, step, Alone(), **facts)
        for old in older:
            if old != step:
                self._make_way(self._best / _name(old))
        return True

    def best_score(self, name: str) -> float:
        """Score of the best checkpoint by `name`; infinity where there is none intact."""
        facts = [
            seal.facts(self._best / _name(step))
            for step in _steps(self._best)
            if not self._damage(self._best / _name(step))
        ]
        return min(
            (fact["score"] for fact in facts if fact["name"] == name), default=math.inf
        )

    def clean(self) -> None:
        """Removes what a killed save left behind; only for the holder of the run's lock.

        Raises:
          InputError: the folder is a link to another place.
        """
        self._beside.wait()
        for folder in (self._folder, self._best):
            refuse_link(folder)
            for unfinished in folder.glob(f"{_DRAFT}*"):
                remove(unfinished)

    def newest(self, best: bool = False) -> int | None:
        """Step of the newest intact checkpoint (or the best); None where there is none.

        Raises:
          InputError: every checkpoint is damaged.
        """
        self._beside.wait()
        folder = self._best if best else self._folder
        steps = _steps(folder)
        for step in reversed(steps):
            path = folder / _name(step)
            if not (damage := self._damage(path)):
                return step
            if not path.exists():
                return self.newest(best)  # let go meanwhile, for a newer one
            _log.warning("checkpoint %s is damaged (%s); passed over", path, damage)
        if steps:
            raise InputError(
                f"every checkpoint in {folder} is damaged; --workdir=DIR names another folder"
                " to start anew in"
            )
        return None

    def read(self, step: int, template: PyTree, best: bool = False) -> PyTree:
        """The state of a checkpoint, as NumPy arrays.

        Args:
          step: a step of `steps`, or of the best.
          template: a tree of the same structure, shapes and types.
          best: the best checkpoint of that step.

        Raises:
          InputError: a damaged checkpoint, or one that does not fit `template`.
          FileNotFoundError: no such checkpoint, or it went while it was read.
        """
        self._beside.wait()
        path = (self._best if best else self._folder) / _name(step)
        damage, found = self._damage(path), {}
        if not damage:
            try:
                found = arrays.read(path)
            except Exception as error:  # noqa: BLE001 orbax has many kinds
                damage = f"orbax cannot read it: {error}"
        if damage and not path.exists():
            raise FileNotFoundError(f"there is no checkpoint {path}")
        if damage:
            raise InputError(f"checkpoint {path} is damaged ({damage})")
        return fitted(path, found, template)

    def restore(
        self, template: Callable[[int], PyTree], best: bool = False
    ) -> PyTree | None:
        """The newest intact state (or the best), also beside a run that trains on.

        Args:
          template: a step to a tree as for `read`.
          best: the best checkpoint instead.

        Returns:
          The state as NumPy arrays; None where there is none.

        Raises:
          InputError: every checkpoint is damaged, or the newest does not fit.
        """
        while (step := self.newest(best)) is not None:
            try:
                return self.read(step, template(step), best)
            except FileNotFoundError:
                continue  # the run let it go, so there is a newer one
        return None

    def _damage(self, path: Path) -> str:
        return seal.damage(path, self._run, int(path.name))

    def _write(
        self, target: Path, state: PyTree, step: int, writing: Alone, **facts: Any
    ) -> None:
        for folder in (self._folder, target.parent):
            refuse_link(folder)
        draft = target.with_name(f"{_DRAFT}{target.name}-{secrets.token_hex(8)}")
        # Outside: a device that is out of memory says the same as a disk that is full.
        leaves = jax.tree.map(np.asarray, flatten(state))
        try:
            draft.mkdir(parents=True)
            writing.write(draft, leaves)
            seal.seal(draft, self._run, step, **facts)
            sync_folder(draft)
            self._make_way(target)
            draft.rename(target)
            sync(target.parent)
        except Exception as error:
            shutil.rmtree(draft, ignore_errors=True)
            if is_full(error):
                raise full(target) from None
            if isinstance(error, InputError | OSError | MemoryError):
                raise
            raise InputError(
                f"checkpoint {target} cannot be written and read back"
                f" ({type(error).__name__}: {error}); those before it are intact"
            ) from error

    def _make_way(self, path: Path) -> None:
        """Lets an intact checkpoint go; one that is damaged, or not ours, is put aside."""
        if not path.exists() and not path.is_symlink():
            return
        if damage := self._damage(path):
            aside = path.with_name(f"damaged-{path.name}-{secrets.token_hex(4)}")
            path.rename(aside)
            _log.warning(
                "checkpoint %s is damaged (%s); kept as %s", path, damage, aside
            )
        else:
            _let_go(path)


def owner(folder: Path) -> str:
    """The run that the newest checkpoint of a folder belongs to; empty where none says."""
    found = (seal.owner(folder / _name(step)) for step in reversed(_steps(folder)))
    return next(filter(None, found), "")


def _name(step: int) -> str:
    return f"{step:08d}"


def _steps(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    names = [
        path.name
        for path in folder.iterdir()
        if path.name.isdecimal() and path.is_dir() and not path.is_symlink()
    ]
    return sorted(int(name) for name in names if name == _name(int(name)))


def _let_go(path: Path) -> None:
    """Removes a checkpoint; no reader ever sees half of one."""
    gone = path.with_name(f"{_DRAFT}{path.name}-{secrets.token_hex(8)}")
    path.rename(gone)
    remove(gone)
