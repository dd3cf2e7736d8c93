"""Whether a run may go on under a config that is not the one its folder was made with."""

import shlex
from pathlib import Path
from typing import Any

from genlab.config import paths
from genlab.config.keys import accepted
from genlab.config.stage import WHOLE, stages_of
from genlab.data.fingerprint import check_older, check_same
from genlab.errors import InputError
from genlab.registry import experiments
from genlab.run.defaults import Defaults, defaults_of
from genlab.run.recipe import Recipe
from genlab.values import flat_keys

# What may differ when a run goes on in its folder: how long, how it is watched, where it runs.
RESUMABLE = (
    *("log", "eval", "sample", "checkpoint", "writers", "parallel", "devices"),
    *("remat", "train.steps", "train.steps_per_call", "data.backend", "data.data_dir"),
)
# Of these, what rounds to come obey alone: nothing can be made of it where none are left.
_WATCHED = (
    *("log.every", "eval.every", "eval.split", "eval.best", "sample.every"),
    *("checkpoint.every", "checkpoint.keep", "writers"),
)


def check(
    workdir: Path,
    old: dict[str, Any],
    recipe: Recipe,
    data: dict[str, Any] | None,
    *,
    finished: bool,
    was: Defaults | None = None,
) -> None:
    """Refuses a recipe whose config no run in the folder can go on with.

    Args:
      workdir: the run folder.
      old: the config it was made with.
      recipe: what it is to train in the end.
      data: the record of its data, None where the run is older than these.
      finished: whether no rounds are left.
      was: the defaults that it was made with, where they are known.

    Raises:
      InputError: a key changes the trajectory or rounds that are past, or the data differ in what
        they hold or hold out.
    """
    moved = bool(data)
    changed = check_config(workdir, old, recipe.config, may_have_moved=moved, was=was)
    if data:
        check_same(data["fingerprint"], recipe.source, run=str(workdir))
    else:
        check_older(recipe.source, run=str(workdir))
    for key, (before, after) in changed.items() if finished else ():
        if _lies_in(key, _WATCHED):
            raise InputError(
                f"run folder {str(workdir)!r} is finished, and {key}={after!r} (it was {before!r})"
                " is of rounds to come; raise train.steps, or leave it"
            )


def check_config(
    workdir: Path,
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    may_have_moved: bool,
    was: Defaults | None = None,
) -> dict[str, tuple[Any, Any]]:
    """Refuses a plain config with which no run in the folder can go on.

    Args:
      workdir: the run folder.
      old: the config it was made with.
      new: the config it is to go on with.
      may_have_moved: whether the same data may lie in another place.
      was: the defaults that it was made with, where they are known.

    Returns:
      The keys that differ and may, with both values.

    Raises:
      InputError: a key changes the trajectory.
    """
    now, was = flat_keys(defaults_of(new)) if was else {}, flat_keys(was or {})
    old, config = paths.absolute(old), new  # some are of before paths were whole
    if may_have_moved:
        old["data"]["name"] = _moved(old, new)
    old, new = _by_part(old), _by_part(new)
    old, new = _named(old, {**now, **new}), _named(new, {**was, **old})
    told = f"run folder {str(workdir)!r} was made with"
    # What one of the two leaves at its default is compared with that default.
    before = {key: was[key] for key in was.keys() & new.keys()} | old
    after = {key: now[key] for key in now.keys() & old.keys()} | new
    may = RESUMABLE + _of_samples(config)
    for key, (value, other) in _differences(
        _trajectory(before, may), _trajectory(after, may)
    ):
        raise InputError(
            f"{told} {key}={value!r}, not {other!r}; name another with --workdir=DIR, where"
            f" --config.init_from={str(workdir)!r} lets training begin at the weights of this one"
        )
    shared = was.keys() & now.keys()
    was, now = ({key: known[key] for key in shared} for known in (was, now))
    for key, (value, other) in _differences(
        _trajectory(was, may), _trajectory(now, may)
    ):
        kept = _kept_by(key, value, config)
        raise InputError(
            f"{told} {key}={value!r}, the default of then, which is {other!r} now;"
            f" {f'{kept} goes on, ' if kept else ''}--workdir=DIR names another folder"
        )
    return dict(_differences(before, after))


def _by_part(config: dict[str, Any], path: str = "") -> dict[str, Any]:
    """As `flat_keys`, but of a list of parts their names, and each part's keys by its name."""
    flat = {}
    for key, value in flat_keys(config, path).items():
        if isinstance(value, list | tuple) and all(map(_is_part, value)):
            parts = [
                {"name": part} if isinstance(part, str) else part for part in value
            ]
            value = [part["name"] for part in parts]
            for name, part in zip(value, parts, strict=True):
                flat |= _by_part(part, f"{key}.{name}.")
        flat[key] = value
    return flat


def _is_part(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, dict) and "name" in item)


def _kept_by(key: str, value: Any, config: dict[str, Any]) -> str:
    """The flag that keeps a default of then in a config; empty where none does."""
    key = key.removesuffix(".name")  # a part is chosen by its own key
    keys = {*accepted(config)}
    for stage in stages_of(config)[:-1]:
        whole = (k for k in accepted(stage.config) if k.partition(".")[0] in WHOLE)
        keys |= {f"stages.{stage.name}.{k}" for k in whole}
    return shlex.quote(f"--config.{key}={value}") if key in keys else ""


def _moved(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The new name of the data, `folder:PATH`, if it is the old one with another argument."""
    names = [str(config["data"].get("name")) for config in (old, new)]
    kinds = {name.partition(":")[0] for name in names}
    return names[1] if len(kinds) == 1 else names[0]


def _named(flat: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A part that is its name alone under `KEY.name`, where it lies in the other."""
    return {
        f"{key}.name"
        if isinstance(value, str) and f"{key}.name" in other
        else key: value
        for key, value in flat.items()
    }


def _of_samples(config: dict[str, Any]) -> tuple[str, ...]:
    """The keys that decide nothing but how samples are drawn, as the family says."""
    family = experiments.find(config["experiment"]["name"])
    return tuple(f"experiment.{knob}" for knob in getattr(family, "SAMPLING", ()))


def _trajectory(flat: dict[str, Any], may: tuple[str, ...]) -> dict[str, Any]:
    """The keys that decide how training goes, of those by dotted name; those that may differ left out."""
    return {name: v for name, v in flat.items() if not _lies_in(name, may)}


def _lies_in(name: str, keys: tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{key}.") for key in keys)


def _differences(
    before: dict[str, Any], after: dict[str, Any]
) -> list[tuple[str, tuple[Any, Any]]]:
    """Keys whose values differ, in alphabetical order, with both."""
    return [
        (key, (before.get(key), after.get(key)))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
