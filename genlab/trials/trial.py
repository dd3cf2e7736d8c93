"""One trial of a sweep: a resolved config, known by its hash, in a run folder of its own."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab import trust
from genlab.config import load as configs
from genlab.config import override
from genlab.config.files import file_of, split_variant
from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.run.folder import read_results
from genlab.storage import sidefile
from genlab.trials.program import launch
from genlab.trials.space import Choice, Integers, Overrides, Space, Uniform
from genlab.trials.value import plain


@dataclass(frozen=True)
class Trial:
    """A config and the overrides that made it.

    Attributes:
      overrides: dotted key -> value, as set.
      config: the resolved plain config.
      source: the config file.
      name: hash of the resolved config; the trial's folder is called so.
    """

    overrides: Overrides
    config: dict[str, Any]
    source: Path | None = None

    @property
    def name(self) -> str:
        return hash_of(self.config)

    @property
    def steps(self) -> int:
        """Rounds of the whole run, all its stages."""
        return stages_of(self.config)[-1].end

    def folder(self, sweep: Path) -> Path:
        """The trial's run folder in the folder of the sweep."""
        return sweep / self.name

    def command(self, path: str, common: dict[str, str], sweep: Path) -> list[str]:
        """The command that trains this trial alone in its folder, and goes on with it."""
        overrides = {**common, **self.overrides}
        return launch(
            f"--config={path}",
            f"--workdir={self.folder(sweep)}",
            *(["--trust"] if trust.is_everything() else []),
            *(f"--config.{key}={value}" for key, value in overrides.items()),
        )

    def mend(self, sweep: Path) -> None:
        """Removes a damaged `config.json`, which is made again: the folder's name vouches for it."""
        path = self.folder(sweep) / "config.json"
        if path.is_file() and sidefile.read(path, _is_record) is None:
            path.unlink()

    def results(self, sweep: Path) -> dict[str, Any] | None:
        """What `results.json` holds, None for a trial that has not finished."""
        return read_results(self.folder(sweep), self.steps)


def hash_of(config: dict[str, Any]) -> str:
    """Hash of a plain config, the same as before there were `writers`, which change no trial, and
    `data.subset_seed` where that is unset."""
    data = {k: v for k, v in config["data"].items() if (k, v) != ("subset_seed", None)}
    kept = {k: v for k, v in config.items() if k != "writers"}
    text = json.dumps({**kept, "data": data}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _is_record(content: Any) -> bool:
    configs.check_keys(configs.completed(content["config"]))
    return True


def resolve(
    path: str, common: dict[str, str], sweep: Iterable[Overrides]
) -> list[Trial]:
    """The trials of a sweep over a config, in order.

    Args:
      path: the config, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      sweep: overrides of each trial.

    Raises:
      InputError: an empty sweep, an unknown key, one that `common` sets as well, a value that no
        override says, a seed that is none, or two trials that are the same.
    """
    trials: dict[str, Trial] = {}
    for given in sweep:
        overrides = {
            key: plain(value, f"sweep of {key!r}") for key, value in given.items()
        }
        if twice := sorted(common.keys() & overrides.keys()):
            key = twice[0]
            raise InputError(
                f"--config.{key}={common[key]} and the sweep, {key}={overrides[key]}, set the"
                " same key; leave one out"
            )
        config = configs.load(path)
        texts = {key: str(value) for key, value in overrides.items()}
        override.apply(config, {**common, **texts})
        resolved = configs.plain(config)
        configs.check_parts(resolved)
        trial = Trial(overrides, resolved, file_of(path))
        if trial.name in trials:
            raise InputError(f"the sweep has {overrides} twice")
        trials[trial.name] = trial
    if not trials:
        raise InputError("the sweep has no trials")
    return list(trials.values())


def named_sweep(path: str, name: str) -> list[Overrides] | Space:
    """What `sweep_NAME()` of a config file yields: the trials, or a space to draw them from.

    Raises:
      InputError: the file has no such sweep; lists the ones it has. One that fails, or yields
        neither override dicts nor a space.
    """
    sweeps, file = configs.sweeps(path), split_variant(path)[0]
    if name not in sweeps:
        known = ", ".join(sweeps) or "none"
        raise InputError(f"{file} has no sweep {name!r}; it has {known}")
    try:
        sweep = sweeps[name]()
        sweep = sweep if isinstance(sweep, dict) else list(sweep)
    except Exception as error:
        raise InputError(
            f"sweep_{name}() of {file} fails ({type(error).__name__}: {error})"
        ) from error
    _check_sweep(sweep, f"sweep_{name}() of {file}")
    return sweep


def _check_sweep(sweep: list[Any] | dict[str, Any], origin: str) -> None:
    for entry in [sweep] if isinstance(sweep, dict) else sweep:
        if not isinstance(entry, dict):
            raise InputError(f"{origin}: {entry!r} is no dict of overrides, KEY: VALUE")
        if others := [key for key in entry if not isinstance(key, str)]:
            raise InputError(f"{origin}: {others[0]!r} is no key, such as 'seed'")
    for key, value in sweep.items() if isinstance(sweep, dict) else ():
        if not isinstance(value, Choice | Integers | Uniform):
            raise InputError(
                f"{origin}: {key!r} is {value!r}; a space has Choice, Integers or Uniform"
            )
