"""What commands are given: a trained run, and the name of a file that they write."""

import argparse
import logging
from pathlib import Path

from genlab import trust
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


def stem(path: str | None) -> Path | None:
    """What the names of several files begin with that --out names; None without it.

    Raises:
      InputError: in a folder that is not there.
    """
    if path is None:
        return None
    if not Path(path).parent.is_dir():
        parent = str(Path(path).parent)
        raise InputError(f"--out={path}: there is no folder {parent!r}")
    return Path(path)


def place(values: argparse.Namespace) -> dict[str, str]:
    """Where the data of a run lie now, as the flags say it (see `load_run`)."""
    given = {key.removeprefix("data."): text for key, text in values.overrides.items()}
    trust.vouch(given)
    return given


def load_trained(
    values: argparse.Namespace, *, with_examples: bool = False
) -> tuple[Recipe, Trained]:
    """The recipe and the trained model of the run folder that the flags name."""
    keep_programs()
    where = place(values) if with_examples else None
    recipe, state = load_run(Path(values.workdir), values.best, where)
    trained = recipe.trained(state)
    family = recipe.config["experiment"]["name"]
    _log.info("%s after %s rounds", family, f"{trained.step:,}")
    return recipe, trained
