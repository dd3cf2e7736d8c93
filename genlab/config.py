"""Configs: load a file, and refuse what nobody reads."""

import dataclasses
import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from genlab.errors import InputError, suggest
from genlab.registry import (
    REGISTRIES,
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
)
from genlab.stage import stages_of

CONFIGS = Path(__file__).parent.parent / "configs"

# Keys of `data` that say how examples are prepared, chosen and fed, whichever data set it is.
PREPARATION = ("value_range", "binarize", "augment", "degrade")
SELECTION = ("train_size", "without_labels")
FEEDING = ("backend",)

# Sections whose keys are names of parts' knobs, roles or players.
OPEN = ("experiment", "objective", "model", "optimizer", "data", "start")


def load(path: str) -> ConfigDict:
    """The config of a file, `configs/dcgan.py` or `configs/dcgan.py:tiny` for a variant.

    Raises:
      InputError: no such file or variant, a file that fails, or a key that `configs/base.py` does
        not declare.
    """
    file, _, variant = path.partition(":")
    module = _import_file(file)
    known = getattr(module, "VARIANTS", ())
    if variant and variant not in known:
        raise InputError(f"{file} has no variant {variant!r}{suggest(variant, known)}")
    try:
        config = module.get_config(variant)
    except Exception as error:
        raise InputError(
            f"get_config({variant!r}) of {file} fails ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(config, ConfigDict):
        raise InputError(f"get_config of {file} returns no ConfigDict")
    check_keys(config)
    # Built anew, since a dict used in two places would be one dict to an override.
    return ConfigDict(_copy(config)).lock()


def _copy(tree: Any) -> Any:
    if isinstance(tree, ConfigDict | dict):
        return {key: _copy(value) for key, value in tree.items()}
    return tree


def variants(path: str | Path) -> tuple[str, ...]:
    """Names of the variants that a config file offers besides its default."""
    return tuple(getattr(_import_file(str(path)), "VARIANTS", ()))


def sweeps(path: str) -> dict[str, Callable]:
    """The sweeps that a config file defines, `sweep_NAME()`, by name."""
    module = _import_file(path.partition(":")[0])
    prefix = "sweep_"
    return {
        name.removeprefix(prefix): value
        for name, value in vars(module).items()
        if name.startswith(prefix) and callable(value)
    }


def recipes() -> list[Path]:
    """The config files of this repository."""
    return sorted(
        path for path in CONFIGS.glob("*.py") if path.stem not in ("base", "__init__")
    )


def headline(path: str | Path) -> str:
    """First line of a config file's docstring."""
    return (_import_file(str(path)).__doc__ or "").partition("\n")[0]


def _import_file(file: str) -> Any:
    path = Path(file)
    if not path.is_file():
        known = [f"configs/{path.name}" for path in recipes()]
        raise InputError(f"no config file {file!r}{suggest(file, known)}")
    spec = importlib.util.spec_from_file_location(f"genlab_config_{path.stem}", path)
    if spec is None:
        raise InputError(f"config file {file!r} is not a Python file, FILE.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(
            f"config file {file!r} cannot be loaded ({type(error).__name__}: {error})"
        ) from error
    if not hasattr(module, "get_config"):
        raise InputError(f"{file} defines no get_config(variant='')")
    return module


def check_keys(config: Mapping[str, Any]) -> None:
    """Raises InputError at the first key that is not, or not only, in `configs/base.py`, and at
    the first value of another type than there."""
    base = _import_file(str(CONFIGS / "base.py")).get_config()
    _check_section(config, base, "")
    for section, expected in base.items():
        if isinstance(expected, ConfigDict) and section not in OPEN:
            _check_section(config[section], expected, f"{section}.")


def _check_section(given: Mapping, expected: Mapping, path: str) -> None:
    for key in given:
        if key not in expected:
            raise InputError(f"config has no key '{path}{key}'{suggest(key, expected)}")
    for key, example in expected.items():
        if key not in given:
            raise InputError(f"config lacks the key '{path}{key}'")
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


def plain(config: ConfigDict) -> dict[str, Any]:
    """The config as nested dicts, lists and scalars that JSON keeps as they are."""
    return json.loads(config.to_json())


def part_knobs(experiment: str) -> dict[str, Registry]:
    """Knobs of a family that are parts themselves: fields with `metadata={"part": kind}`."""
    return {
        field.name: REGISTRIES[field.metadata["part"]]
        for field in dataclasses.fields(experiments.find(experiment))
        if "part" in field.metadata
    }


def check_parts(config: Mapping[str, Any]) -> None:
    """Raises InputError unless every name and knob in a plain config is known.

    Roles and players are checked where the experiment is built.
    """
    for stage in stages_of(config)[:-1]:
        check_keys(stage.config)
        check_parts(stage.config)
    _check_part(experiments, config["experiment"], "experiment")
    _check_part(objectives, config["objective"], "objective")
    for knob, registry in part_knobs(config["experiment"]["name"]).items():
        if config["experiment"].get(knob) is not None:
            _check_part(registry, config["experiment"][knob], f"experiment.{knob}")
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
    _check_part(datasets, dataset, "data")
    _check_part(starts, config["start"], "start")
    check_list(metrics, config["eval"]["metrics"], "eval.metrics")
    every = [*config["eval"]["metrics"], *config["eval"]["final_metrics"]]
    check_list(metrics, every, "eval.final_metrics")
    check_list(plots, config["sample"]["plots"], "sample.plots")


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
