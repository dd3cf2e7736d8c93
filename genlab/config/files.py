"""Where config files lie: those of one's own by their paths, those that genlab has by their names."""

import os
from pathlib import Path

from genlab import shipped
from genlab.errors import InputError, suggest

CONFIGS = shipped.HOME / "configs"
_NO_RECIPES = ("base", "__init__")


def find(file: str) -> Path:
    """The config file that is called so.

    Args:
      file: a path; `dcgan`, or `configs/dcgan.py` where there is no such file, is genlab's own.

    Raises:
      InputError: no such file, or one that is not Python.
    """
    if file in _names():
        return CONFIGS / f"{file}.py"
    path = Path(file)
    if file.startswith("configs/") and not os.path.isfile(file):
        path = CONFIGS.parent / file  # named from another folder
    if not os.path.isfile(path):  # pathlib's raises at a name that is too long
        raise InputError(f"no config file {file!r}{_suggestion(file)}")
    if path.suffix != ".py":
        raise InputError(f"config file {file!r} is not a Python file, FILE.py")
    return path


def expanded(path: str) -> str:
    """The path with the home folder in the place of a leading `~` or `~user`.

    Raises:
      InputError: nobody knows where home is; a folder called `~` is never meant.
    """
    whole = os.path.expanduser(path)
    if whole == path and path.partition("/")[0] == "~":
        raise InputError(f"{path!r} is in a home folder, and HOME is not set")
    return whole


def split_variant(path: str) -> tuple[str, str]:
    """File and variant of `FILE[:VARIANT]`; a colon may be part of a folder's name."""
    file, colon, variant = path.rpartition(":")
    if not colon or "/" in variant or os.path.isfile(path):
        return path, ""
    return file, variant


def file_of(path: str) -> Path:
    """The config file that `FILE[:VARIANT]` names, whole."""
    return Path(os.path.abspath(find(split_variant(path)[0])))


def recipes() -> list[Path]:
    """The config files of genlab's own."""
    return sorted(path for path in CONFIGS.glob("*.py") if path.stem not in _NO_RECIPES)


def _names() -> list[str]:
    return [path.stem for path in recipes()]


def _suggestion(file: str) -> str:
    """What of the same kind was meant: a file of one's own, a path as it is in genlab, a name."""
    if os.path.isfile(f"{file}.py"):
        return f"; did you mean {f'{file}.py'!r}?"
    if file.startswith("configs/"):
        return suggest(file, [f"configs/{name}.py" for name in _names()])
    return suggest(file.removesuffix(".py"), _names())
