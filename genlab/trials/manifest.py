"""`sweep.json`: what a sweep is, for whoever looks at its folder."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genlab.config import load as configs
from genlab.errors import InputError
from genlab.storage import files, sidefile
from genlab.storage.files import write_atomic
from genlab.storage.lock import held
from genlab.trials.trial import Trial, hash_of

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
      recipe: hash of what the config says, see `recipe_of`.
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
    recipe: str = ""
    trials: tuple[dict[str, Any], ...] = ()


def recipe_of(path: str) -> str:
    """Hash of what a config file says before any override, however its path is spelled."""
    return hash_of(configs.plain(configs.load(path), complete=False))


def read(sweep: Path) -> Manifest | None:
    """The manifest of a sweep's folder, None where there is none yet.

    Raises:
      InputError: the file is not what a sweep writes.
    """
    path = sweep / FILE
    try:
        record = json.loads(files.content(path))
        manifest = Manifest(**{**record, "trials": tuple(record["trials"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{str(path)!r} is not a sweep's manifest ({error})"
        ) from error
    for name, value in vars(manifest).items():
        if name != "trials" and not _has_kind(name, value):
            raise InputError(
                f"{str(path)!r} is not a sweep's manifest ({name} is {value!r})"
            )
    for entry in manifest.trials:
        if not _is_trial(entry):
            raise InputError(
                f"{path} lists {entry!r}, which is no trial; one is"
                ' {"name": FOLDER, "overrides": {KEY: VALUE}}'
            )
    return manifest


def _has_kind(name: str, value: Any) -> bool:
    if name != "common":
        return isinstance(value, str)
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _is_trial(entry: Any) -> bool:
    """Whether it has overrides and a name that cannot lead out of the sweep's folder."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("overrides"), dict)
        and isinstance(entry.get("name"), str)
        and entry["name"] not in ("", ".", "..")
        and Path(entry["name"]).name == entry["name"]
        and "\0" not in entry["name"]
    )


def write(sweep: Path, manifest: Manifest) -> Manifest:
    """Writes the manifest; the trials that the folder's had already stay, before the new ones.

    In the place of a damaged one a new one is made, with the trials whose folders are there.

    Raises:
      InputError: those trials have another config or other overrides in common. What differs
        between the trials of a folder is in their entries alone, so that they can be compared.
    """
    with held(_lock(sweep)):
        try:
            before = read(sweep)
            known = before.trials if before else ()
        except InputError as error:
            sidefile.pass_over(sweep / FILE, f"{error}; it is made again")
            before, known = None, _found(sweep, manifest.common)
        if before and known:
            _check_same(sweep, before, manifest)
        merged = replace(manifest, trials=_union(known, manifest.trials))
        _replace(sweep, merged)
    return merged


def _found(sweep: Path, common: dict[str, str]) -> tuple[dict[str, Any], ...]:
    """The trials whose run folders are there, each by the hash of its config as a folder's name."""

    def is_whole(record: Any) -> bool:
        parts = (record["config"], record["config"]["data"], record["overrides"])
        return all(isinstance(part, dict) for part in parts)

    trials = []
    for path in sorted(sweep.glob("*/config.json")):
        record = sidefile.read(path, is_whole)
        if record and Trial({}, record["config"]).name == path.parent.name:
            own = {k: v for k, v in record["overrides"].items() if k not in common}
            trials.append(Trial(own, record["config"]))
    return entries(trials)


def _check_same(sweep: Path, before: Manifest, now: Manifest) -> None:
    if before.common != now.common:
        made, asked = (_spelled(one.common) for one in (before, now))
    elif before.recipe != now.recipe:
        made, asked = f"--config={before.config}", f"--config={now.config}"
        asked += " as it is now" if made == asked else ""
    else:
        return
    raise InputError(
        f"the trials in {str(sweep)!r} were made with {made}, not {asked}; name another"
        " folder with --workdir=DIR"
    )


def _spelled(common: dict[str, str]) -> str:
    flags = [f"--config.{key}={value}" for key, value in common.items()]
    return " ".join(flags) or "no --config.KEY=VALUE"


def add(sweep: Path, trials: Iterable[Trial]) -> None:
    """Adds trials to the manifest that a sweep's folder has.

    Raises:
      InputError: it has none.
    """
    with held(_lock(sweep)):
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


def _lock(sweep: Path) -> Path:
    """Processes that work on one sweep read and write the file one after another."""
    return sweep / f".{FILE}.lock"
