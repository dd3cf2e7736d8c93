"""What commands are given: a trained run, and the name of a file that they write."""

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path

from genlab.errors import InputError
from genlab.process.programs import keep_programs
from genlab.run.course import load_run
from genlab.run.recipe import Recipe
from genlab.trained.trained import Trained

_log = logging.getLogger("genlab")


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


def load_trained(
    values: argparse.Namespace, place: Mapping[str, str] | None = None
) -> tuple[Recipe, Trained]:
    """The recipe and the trained model of the run folder that the flags name.

    Its data are read where there is a place for them, which may say nothing (see `load_run`).
    """
    keep_programs()
    recipe, state = load_run(Path(values.workdir), values.best, place)
    trained = recipe.trained(state)
    family = recipe.config["experiment"]["name"]
    _log.info("%s after %s rounds", family, f"{trained.step:,}")
    return recipe, trained
