"""What commands are given: the flags that several share, and a trained run."""

from pathlib import Path
from typing import Any

from genlab.commands import flags
from genlab.errors import InputError
from genlab.process.programs import keep_programs
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


def load_trained(values: Any, place: dict[str, str] | None = None):
    """The recipe and the trained model of the run folder that the flags name.

    Its data are read where there is a place for them, which may say nothing (see `load_run`).
    """
    keep_programs()
    workdir = Path(required(values.workdir, "workdir"))
    recipe, state = load_run(workdir, values.best, place)
    return recipe, recipe.trained(state)
