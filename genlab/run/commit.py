"""Which code made a run: the commit that genlab is at, and that of the user's own repository."""

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent


@functools.cache
def of_genlab() -> dict[str, Any] | None:
    """The commit that genlab's own files are at, and whether its tree has changes.

    None where genlab is installed rather than checked out; that an environment lies inside of some
    repository does not make genlab a part of it.
    """
    tracked = _git(_PACKAGE, "ls-files", "--error-unmatch", Path(__file__).name)
    return _head(_PACKAGE) if tracked else None


def around(folder: Path) -> dict[str, Any] | None:
    """Root, commit and changes of the repository around a folder.

    None where there is none, or where it is genlab's own. As it was when first asked for.
    """
    return _around(os.path.abspath(folder))


@functools.cache
def _around(folder: str) -> dict[str, Any] | None:
    root = _git(folder, "rev-parse", "--show-toplevel")
    own = _git(_PACKAGE, "rev-parse", "--show-toplevel") if of_genlab() else None
    head = _head(folder)
    if head is None or root == own:
        return None
    return {"root": root, **head}


def _head(folder: Path | str) -> dict[str, Any] | None:
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit, "dirty": bool(changes)} if commit else None


def _git(folder: Path | str, *arguments: str) -> str | None:
    """What git says of a folder; None where it says nothing good."""
    # A hook that genlab runs in names a repository by variables; a monitor is a program of the
    # repository's own; and no lock is to be left for others who ask at the same time.
    options = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder)]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            capture_output=True,
            check=True,
            timeout=20,
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout).strip()
