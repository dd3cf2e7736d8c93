"""Configs: load a file, and refuse what nobody reads."""

import contextlib
import dataclasses
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from genlab import numbers, trust
from genlab.config import files, paths
from genlab.config.stage import stages_of
from genlab.errors import InputError, suggest
from genlab.game.slots import slots_of
from genlab.numbers import Count, Seed, Whole
from genlab.registry import (
    Registry,
    datasets,
    experiments,
    metrics,
    models,
    objectives,
    optimizers,
    plots,
    schedules,
    starts,
    writers,
)
from genlab.values import check, copied, is_unset, items

# Keys of `data` that say how examples are prepared, chosen and fed, whichever data set it is.
PREPARATION = ("value_range", "binarize", "augment", "degrade")
SELECTION = ("train_size", "without_labels", "subset_seed")
FEEDING = ("backend",)
RUN = "run"  # as data.subset_seed: the seed of the run

# Ranges of the numbers that belong to no part.
RANGES = {
    **dict.fromkeys(("train.steps", "train.batch_size", "eval.batch_size"), Count),
    **dict.fromkeys(("log.every", "checkpoint.keep"), Count),
    **dict.fromkeys(("eval.every", "sample.every", "checkpoint.every"), Whole),
    **dict.fromkeys(("train.steps_per_call", "devices"), Whole),
    "seed": Seed,
}

# Keys that are given where they lack: in configs and run folders from before they were declared,
# and in a config that writes its `data` anew.
ADDED = (
    "writers",
    "remat",
    *(f"data.{key}" for key in PREPARATION + SELECTION + FEEDING),
)

# Sections whose keys are names of parts' knobs, roles or players.
OPEN = ("experiment", "objective", "model", "optimizer", "data", "start")


def load(path: str) -> ConfigDict:
    """The config of a file, `configs/dcgan.py` or `configs/dcgan.py:tiny` for a variant.

    Links between its values (`FieldReference`) and placeholders are kept for overrides.

    Raises:
      InputError: no such file or variant, a file that fails, or a key that `configs/base.py` does
        not declare.
    """
    file, variant = files.split_variant(path)
    module = _import_file(file)
    known = _variants(module, file)
    if variant and variant not in known:
        raise InputError(f"{file} has no variant {variant!r}{suggest(variant, known)}")
    with _code_of(f"get_config({variant!r}) of {file} fails"):
        takes_variant = inspect.signature(module.get_config).parameters
        config = module.get_config(variant) if takes_variant else module.get_config()
    return adopted(config, f"what get_config({variant!r}) of {file} returns")


def adopted(config: Any, origin: str) -> ConfigDict:
    """A config that code of the user's own made, as it is used: built anew, checked, vouched for.

    Raises:
      InputError: it is no ConfigDict, or has a key that `configs/base.py` does not declare.
    """
    if not isinstance(config, ConfigDict):
        raise InputError(f"{origin} is a {type(config).__name__}, no ConfigDict")
    with _code_of(f"{origin} cannot be read"):
        # Built anew, since a dict used in two places would be one dict to an override.
        config = ConfigDict(completed(copied(config)))
    check_keys(config)
    trust.vouch(copied(config))
    return config


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config, the keys of ADDED that it lacks as in `configs/base.py`."""
    base = check(base_config(), "config")
    result = {k: dict(v) if isinstance(v, dict) else v for k, v in config.items()}
    for key in ADDED:
        section, _, last = key.rpartition(".")
        home = result.get(section) if section else result
        known = base[section] if section else base
        if isinstance(home, dict):
            home.setdefault(last, known[last])
    return result


def base_config() -> ConfigDict:
    """Every key that a config has, from which one's own starts."""
    return _import_file(str(files.CONFIGS / "base.py")).get_config()


def variants(path: str | Path) -> tuple[str, ...]:
    """Names of the variants that a config file offers besides its default."""
    return _variants(_import_file(str(path)), path)


def _variants(module: Any, file: str | Path) -> tuple[str, ...]:
    known = getattr(module, "VARIANTS", ())
    if not isinstance(known, tuple | list) or not all(
        isinstance(n, str) for n in known
    ):
        raise InputError(f"VARIANTS of {file} is {known!r}, not a tuple of names")
    return tuple(known)


def sweeps(path: str) -> dict[str, Callable]:
    """The sweeps that a config file defines, `sweep_NAME()`, by name."""
    return _sweeps(_import_file(files.split_variant(path)[0]))


def _sweeps(module: Any) -> dict[str, Callable]:
    prefix = "sweep_"
    return {
        name.removeprefix(prefix): value
        for name, value in vars(module).items()
        if name.startswith(prefix) and callable(value)
    }


def about(path: str) -> tuple[str, tuple[str, ...], dict[str, Callable]]:
    """The header of a config file, its variants, and its sweeps by name."""
    module = _import_file(path)
    return inspect.getdoc(module) or "", _variants(module, path), _sweeps(module)


def _import_file(file: str) -> Any:
    path = files.find(file)
    spec = importlib.util.spec_from_file_location(f"genlab_config_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    if path.parent.resolve() != files.CONFIGS.resolve():  # one of the user's own
        trust.search(path.parent)
    sys.modules[spec.name] = module  # where its dataclasses look up what they name
    with _code_of(f"config file {file!r} cannot be loaded"):
        spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise InputError(f"{file} defines no get_config(variant='')")
    return module


@contextlib.contextmanager
def _code_of(complaint: str) -> Iterator[None]:
    """Inside runs what somebody wrote into a config file, which may end in anything."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InputError(f"{complaint} ({type(error).__name__}: {error})") from error


def check_keys(config: Mapping[str, Any]) -> None:
    """Raises InputError at the first key that is not, or not only, in `configs/base.py`, and at
    the first value of another type than there."""
    base = base_config()
    _check_section(config, base, "")
    for section, expected in base.items():
        if isinstance(expected, ConfigDict) and section not in OPEN:
            _check_section(config[section], expected, f"{section}.")


def _check_section(given: Mapping, expected: Mapping, path: str) -> None:
    for key in given:
        if key not in expected:
            raise InputError(f"config has no key '{path}{key}'{suggest(key, expected)}")
    values = dict(items(given))
    for key, example in expected.items():
        if key not in given:
            raise InputError(f"config lacks the key '{path}{key}'")
        if is_unset(values[key]) and not isinstance(example, ConfigDict):
            continue  # an override may set it
        if not _has_type_of(given[key], example):
            raise InputError(
                f"config.{path}{key}={given[key]!r} is not of type"
                f" {type_name(example)}, such as {example!r}"
            )


def _has_type_of(value: Any, example: Any) -> bool:
    if isinstance(example, tuple):
        return isinstance(value, tuple | list)
    if isinstance(example, ConfigDict):
        return isinstance(value, ConfigDict | dict)
    return type(value) is type(example)


def type_name(example: Any) -> str:
    return "dict" if isinstance(example, ConfigDict) else type(example).__name__


def plain(config: ConfigDict, *, complete: bool = True) -> dict[str, Any]:
    """The config as it is recorded: dicts, lists and scalars that JSON keeps, paths whole.

    Args:
      config: with all its overrides.
      complete: False for one that overrides are still to come to; its placeholders are None.

    Raises:
      InputError: a placeholder that nothing has set, or a value that JSON does not keep.
    """
    try:
        return paths.absolute(check(config, "config", complete=complete))
    except RecursionError:
        raise InputError("the config holds itself, or is nested too deeply") from None


def part_knobs(experiment: str) -> dict[str, Registry]:
    """Knobs of a family that are parts themselves: fields with `metadata={"part": kind}`."""
    family = experiments.find(experiment)
    if not dataclasses.is_dataclass(family):
        raise InputError(f"experiment {experiment!r} is no family, a dataclass")
    return slots_of(family)


def check_parts(config: Mapping[str, Any]) -> None:
    """Raises InputError unless every name and knob in a plain config is known and in range.

    Roles and players are checked where the experiment is built.
    """
    for stage in stages_of(config)[:-1]:
        check_keys(stage.config)
        check_parts(stage.config)
    for key, annotation in RANGES.items():
        section, _, last = key.rpartition(".")
        value = config[section][last] if section else config[last]
        numbers.check(f"config.{key}", value, annotation)
    _check_part(experiments, config["experiment"], "experiment", complete=False)
    _check_part(objectives, config["objective"], "objective")
    family = config["experiment"]["name"]
    for knob, registry in part_knobs(family).items():
        chosen, key = config["experiment"].get(knob), f"experiment.{knob}"
        if isinstance(chosen, list | tuple):
            check_list(registry, chosen, key)
        elif chosen is not None:
            _check_part(registry, chosen, key)
    for role, part in config["model"].items():
        _check_part(models, part, f"model.{role}", complete=False)
    for player, part in config["optimizer"].items():
        _check_part(optimizers, part, f"optimizer.{player}")
        if part.get("schedule") is not None:
            _check_part(schedules, part["schedule"], f"optimizer.{player}.schedule")
    dataset = {
        knob: value
        for knob, value in config["data"].items()
        if knob not in PREPARATION + SELECTION + FEEDING
    }
    paths.refuse_bare(str(dataset["name"]))
    _check_part(datasets, dataset, "data")
    _check_part(starts, config["start"], "start")
    check_list(metrics, config["eval"]["metrics"], "eval.metrics")
    every = [*config["eval"]["metrics"], *config["eval"]["final_metrics"]]
    check_list(metrics, every, "eval.final_metrics")
    check_list(plots, config["sample"]["plots"], "sample.plots")
    check_list(writers, config["writers"], "writers")


def check_list(registry: Registry, parts: Iterable[Any], key: str) -> None:
    """Raises InputError unless every name or part is known, and none is chosen twice."""
    names = []
    for part in parts:
        _check_part(registry, part, key)
        names.append(part if isinstance(part, str) else part["name"])
        if names.count(names[-1]) > 1:
            raise InputError(f"config.{key} chooses {names[-1]!r} twice")


def _check_part(registry: Registry, part: Any, key: str, complete: bool = True) -> None:
    if isinstance(part, str):
        part = {"name": part}
    if not isinstance(part, Mapping):
        raise InputError(f"config.{key}={part!r} is no {registry.kind}: dict(name=...)")
    knobs = dict(part)
    name = knobs.pop("name", None)
    if not name or not isinstance(name, str):
        raise InputError(f"config.{key}.name chooses no {registry.kind}")
    missing = {} if complete else registry.knobs(name)
    registry.check_knobs(name, {**missing, **knobs})
