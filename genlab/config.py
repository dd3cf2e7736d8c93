"""Configs: load a file, apply overrides, refuse what nobody reads."""

import ast
import importlib.util
import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from genlab.errors import InputError, suggest
from genlab.registry import (
    REQUIRED,
    Registry,
    datasets,
    experiments,
    metrics,
    models,
    objectives,
    optimizers,
    plots,
    schedules,
)

CONFIGS = Path(__file__).parent.parent / "configs"

# Keys of `data` that say how examples are prepared and fed, whichever data set it is.
PREPARATION = ("value_range", "binarize", "augment")
FEEDING = ("backend",)


def load(path: str) -> ConfigDict:
    """The config of a file, `configs/dcgan.py` or `configs/dcgan.py:tiny` for a variant.

    Raises:
      InputError: no such file or variant, or a key that `configs/base.py` does not declare.
    """
    file, _, variant = path.partition(":")
    module = _import_file(file)
    variants = getattr(module, "VARIANTS", ())
    if variant and variant not in variants:
        raise InputError(
            f"{file} has no variant {variant!r}{suggest(variant, variants)}"
        )
    config = module.get_config(variant)
    check_keys(config)
    return config.lock()


def variants(path: str | Path) -> tuple[str, ...]:
    """Names of the variants that a config file offers besides its default."""
    return tuple(getattr(_import_file(str(path)), "VARIANTS", ()))


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
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise InputError(f"{file} defines no get_config(variant='')")
    return module


def check_keys(config: ConfigDict) -> None:
    """Raises InputError at the first key that `configs/base.py` does not declare."""
    base = _import_file(str(CONFIGS / "base.py")).get_config()
    open_sections = {section for section, _ in _part_sections()} | {"data"}
    for key in config:
        if key not in base:
            raise InputError(f"config has no key {key!r}{suggest(key, base)}")
    for section in base:
        if isinstance(base[section], ConfigDict) and section not in open_sections:
            for key in config[section]:
                if key not in base[section]:
                    raise InputError(
                        f"config has no key '{section}.{key}'{suggest(key, base[section])}"
                    )


def _part_sections() -> tuple[tuple[str, Registry], ...]:
    return (
        ("experiment", experiments),
        ("objective", objectives),
        ("model", models),
        ("optimizer", optimizers),
    )


def _registry_of(keys: list[str]) -> Registry | None:
    """The registry that the dict at this path chooses a part of, if it does."""
    match keys:
        case ["experiment"] | ["objective"]:
            return dict(_part_sections())[keys[0]]
        case ["experiment", _]:  # a knob that is itself a part, such as a penalty
            return objectives
        case ["model" | "optimizer", _]:
            return dict(_part_sections())[keys[0]]
        case ["optimizer", _, "schedule"]:
            return schedules
        case ["data"]:
            return datasets
    return None


def override(config: ConfigDict, key: str, text: str) -> Any:
    """Sets `config.key` from the text of a command-line flag and returns the value set.

    The value takes the type of the one it replaces. A part named without knobs replaces the part
    with its knobs: `--config.objective=minimax`. A knob that the config leaves at its default is
    set by its name: `--config.objective.real_label=0.9`.

    Raises:
      InputError: no such key or knob, or a text that does not have the type.
    """
    *path, last = key.split(".")
    home = config
    for depth, step in enumerate(path):
        if not isinstance(home, ConfigDict) or step not in home:
            _refuse_key(home, path[: depth + 1])
        home = home[step]
    if not isinstance(home, ConfigDict):
        _refuse_key(home, key.split("."))
    registry = _registry_of(path)
    if last in home:
        old = home[last]
    elif registry is not None:
        old = _default_of_knob(registry, home, key)
    else:
        _refuse_key(home, key.split("."))
    chosen = _registry_of([*path, last])
    if chosen is not None and (old is None or isinstance(old, ConfigDict)):
        kept = PREPARATION + FEEDING if chosen is datasets else ()
        value = ConfigDict({"name": text, **{knob: old[knob] for knob in kept}})
    elif isinstance(old, ConfigDict):
        raise InputError(f"config.{key} is a section; set one of {', '.join(old)}")
    else:
        value = _parse(key, text, old)
    with home.unlocked(), home.ignore_type():
        home[last] = value
    return text if isinstance(value, ConfigDict) else value


def _default_of_knob(registry: Registry, part: ConfigDict, key: str) -> Any:
    knob = key.rpartition(".")[2]
    name = part.get("name")
    if not name:
        raise InputError(f"config.{key}: choose {key.rpartition('.')[0]}.name first")
    accepted = registry.knobs(name)
    if knob not in accepted:
        registry.check_knobs(name, {knob: None})
    return None if accepted[knob] is REQUIRED else accepted[knob]


def _refuse_key(home: Any, path: list[str]) -> None:
    known = home.keys() if isinstance(home, ConfigDict) else ()
    raise InputError(f"config has no key {'.'.join(path)!r}{suggest(path[-1], known)}")


def _parse(key: str, text: str, old: Any) -> Any:
    """The value of `text` in the type of the value that it replaces."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(old, str):
        return text
    if old is None or value is None:
        return value
    if isinstance(old, float) and type(value) is int:
        return float(value)
    if isinstance(old, tuple | list):
        if isinstance(value, tuple | list):
            return tuple(value)
        return (value,) if text else ()
    if type(value) is not type(old):
        raise InputError(
            f"config.{key}={text!r} is not of type {type(old).__name__}, such as {old!r}"
        )
    return value


def plain(config: ConfigDict) -> dict[str, Any]:
    """The config as nested dicts, lists and scalars that JSON keeps as they are."""
    return json.loads(config.to_json())


def check_parts(config: dict[str, Any]) -> None:
    """Raises InputError unless every name and knob in a plain config is known.

    Roles and players are checked where the experiment is built.
    """
    for name, registry in _part_sections()[:2]:
        _check_part(registry, config[name], name)
    for knob, value in config["experiment"].items():
        if isinstance(value, dict):
            _check_part(objectives, value, f"experiment.{knob}")
    for role, part in config["model"].items():
        _check_part(models, part, f"model.{role}", complete=False)
    for player, part in config["optimizer"].items():
        _check_part(optimizers, part, f"optimizer.{player}")
        if part.get("schedule") is not None:
            _check_part(schedules, part["schedule"], f"optimizer.{player}.schedule")
    dataset = {
        knob: value
        for knob, value in config["data"].items()
        if knob not in PREPARATION + FEEDING
    }
    _check_part(datasets, dataset, "data")
    for registry, parts in (
        (metrics, config["eval"]["metrics"]),
        (plots, config["sample"]["plots"]),
    ):
        for part in parts:
            part = {"name": part} if isinstance(part, str) else part
            _check_part(registry, part, f"{registry.kind}s")


def _check_part(
    registry: Registry, part: dict[str, Any], key: str, complete: bool = True
) -> None:
    knobs = dict(part)
    if not knobs.get("name"):
        raise InputError(f"config.{key}.name chooses no {registry.kind}")
    name = knobs.pop("name")
    missing = {} if complete else registry.knobs(name)
    registry.check_knobs(name, {**missing, **knobs})
