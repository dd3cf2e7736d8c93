"""What commands are given: the flags that several share, a config, a trained run."""

import os
import tempfile
from pathlib import Path
from typing import Any

import jax

from genlab.commands import flags
from genlab.config import load as configs
from genlab.config import override
from genlab.errors import InputError
from genlab.run.course import load_run

CONFIG = flags.path("config", None, "config file, FILE[:variant]")
WORKDIR = flags.path("workdir", None, "run folder")
# What of a run's config may be given anew where its data are read: the place where they lie.
PLACE = ("data.name", "data.data_dir")
BEST = flags.switch("best", "the best checkpoint instead of the newest")


def required(value: str | None, flag: str) -> str:
    """The value of a flag that a command cannot do without.

    Raises:
      InputError: it was not given.
    """
    if not value:
        raise InputError(f"--{flag} is needed, --{flag}={flag.upper()}")
    return value


def output(path: str, *suffixes: str) -> Path:
    """The file that --out names.

    Raises:
      InputError: another ending than these, a folder, or a file in a folder that is not there.
    """
    out = Path(path)
    if out.suffix not in suffixes:
        raise InputError(f"--out={path}: the file must end in {' or '.join(suffixes)}")
    if out.is_dir():
        raise InputError(f"--out={path} is a folder")
    if not out.parent.is_dir():
        raise InputError(f"--out={path}: there is no folder {str(out.parent)!r}")
    return out


def load_config(path: str, overrides: dict[str, str]) -> tuple[dict, dict]:
    """The plain config with the overrides applied, and what they set."""
    config = configs.load(path)
    changed = override.apply(config, overrides)
    return configs.plain(config), changed


def load_trained(values: Any, place: dict[str, str] | None = None):
    """The recipe and the trained model of the run folder that the flags name.

    Its data are read where there is a place for them, which may say nothing (see `load_run`).
    """
    prepare_jax()
    workdir = Path(required(values.workdir, "workdir"))
    recipe, state = load_run(workdir, values.best, place)
    return recipe, recipe.trained(state)


def default_workdir(path: str) -> Path:
    """The run folder of a config that is given none, `runs/FILE-variant`."""
    file, variant = configs.split_variant(path)
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))


def prepare_jax() -> None:
    """The persistent compilation cache, where the user has not placed it and it can be written."""
    if jax.config.jax_compilation_cache_dir:
        return
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(home) / "genlab" / "xla"
        cache.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache).close()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where home is
        return
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
