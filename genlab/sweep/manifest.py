"""`sweep.json`: what a sweep is, for whoever looks at its folder."""

import fcntl
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.sweep.trial import Trial
from genlab.writer import write_atomic

FILE = "sweep.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A sweep as its command described it.

    Attributes:
      command: the command line.
      config: the config of every trial, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      engine: where the trials run.
      sweep: name of the config's sweep; empty for one that the command spells.
      target: `NAME`, `-NAME` for one that is maximised, or empty.
      sampler: what chooses the trials of a search; empty for a sweep that is fixed.
      pruner: what stops losers; empty or `none` for nothing.
      trials: name of the run folder and overrides of each.
    """

    command: str
    config: str
    common: dict[str, str]
    engine: str
    sweep: str = ""
    target: str = ""
    sampler: str = ""
    pruner: str = ""
    trials: tuple[dict[str, Any], ...] = ()


def command_line() -> str:
    """The command that runs, as config.json has it too."""
    return " ".join(["python", *sys.argv])


def read(sweep: Path) -> Manifest | None:
    """The manifest of a sweep's folder, None where there is none yet.

    Raises:
      InputError: the file is not what a sweep writes.
    """
    path = sweep / FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{**record, "trials": tuple(record["trials"])})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(path)!r} is not a sweep's manifest ({error})"
        ) from error


def write(sweep: Path, manifest: Manifest) -> Manifest:
    """Writes the manifest; the trials that the folder's had already stay, before the new ones."""
    with _writing(sweep):
        before = read(sweep)
        known = before.trials if before else ()
        merged = replace(manifest, trials=_union(known, manifest.trials))
        _replace(sweep, merged)
    return merged


def add(sweep: Path, trials: Iterable[Trial]) -> None:
    """Adds trials to the manifest that a sweep's folder has.

    Raises:
      InputError: it has none.
    """
    with _writing(sweep):
        manifest = read(sweep)
        if manifest is None:
            raise InputError(
                f"{str(sweep)!r} is not a sweep's folder: it has no {FILE}"
            )
        merged = _union(manifest.trials, entries(trials))
        if merged != manifest.trials:
            _replace(sweep, replace(manifest, trials=merged))


def entries(trials: Iterable[Trial]) -> tuple[dict[str, Any], ...]:
    """The trials as a manifest has them."""
    return tuple({"name": t.name, "overrides": t.overrides} for t in trials)


def _union(
    known: tuple[dict[str, Any], ...], more: tuple[dict[str, Any], ...]
) -> tuple[dict[str, Any], ...]:
    names = {trial["name"] for trial in known}
    return (*known, *(trial for trial in more if trial["name"] not in names))


def _replace(sweep: Path, manifest: Manifest) -> None:
    write_atomic(sweep / FILE, json.dumps(asdict(manifest), indent=1))


@contextmanager
def _writing(sweep: Path) -> Iterator[None]:
    """Processes that work on one sweep read and write the file one after another."""
    sweep.mkdir(parents=True, exist_ok=True)
    with (sweep / f".{FILE}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
