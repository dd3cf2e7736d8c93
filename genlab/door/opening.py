"""The two ways to a run: a config that is to be trained, and a folder where one was."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from genlab.config import files
from genlab.config.files import expanded
from genlab.config.load import check_parts
from genlab.config.override import resolved
from genlab.door.run import Run
from genlab.errors import InputError
from genlab.process.programs import keep_programs
from genlab.run import folder, record, sources
from genlab.run.resume import check_config
from genlab.trials.value import plain
from genlab.trust import vouch
from genlab.values import copied

Where = str | os.PathLike

_log = logging.getLogger("genlab")


def load(
    config: Where | ConfigDict,
    overrides: Mapping[str, Any] | None = None,
    *,
    workdir: Where | None = None,
) -> Run:
    """A run of a config, trained by `run.train()`; what its folder already holds is used as it is.

    Args:
      config: a name, `vae` or `vae:mnist`; a file, `my_config.py` or `my_config.py:VARIANT`; or a
        ConfigDict made like `genlab.base_config()`.
      overrides: dotted key -> value, `{"train.steps": 1000}`; a dict with a `name` chooses a part with
        its knobs, `{"objective": dict(name="elbo", beta=4.0)}`.
      workdir: the run folder; `runs/FILE-VARIANT` without.

    Returns:
      The run; nothing is trained yet.

    Raises:
      InputError: a config, key, part or knob that does not exist or fit, or a folder in which another
        config was trained.
    """
    keep_programs()
    path = "" if isinstance(config, ConfigDict) else expanded(os.fspath(config))
    if not path and workdir is None:
        raise InputError("a config without a file needs workdir='runs/NAME'")
    known, changed = resolved(path or config, _as_text(overrides or {}))
    check_parts(known)
    where = folder.default_workdir(path) if workdir is None else _path(workdir)
    if (where / "config.json").exists():
        before, data = folder.load_config(where), record.data(where)
        was = record.defaults(where)
        differ = check_config(where, before, known, may_have_moved=bool(data), was=was)
        if late := [key for key in differ if key.startswith("experiment.")]:
            _log.warning("%s: of the run from its next train() on", ", ".join(late))
    source = files.file_of(path) if path else None
    return Run(where, known, changed, source=source)


def open(
    workdir: Where,
    *,
    best: bool = False,
    trust: bool = False,
    data: Mapping[str, Any] | None = None,
) -> Run:
    """A run folder, finished or not, whoever made it.

    Args:
      workdir: the run folder.
      best: looks at the best checkpoint in the place of the newest.
      trust: imports the parts of somebody's own that the folder's config names: code, which you
        should know.
      data: where the run's examples lie now, `dict(name="folder:NEW/PLACE")` or
        `dict(data_dir=DIR)`; they are read when something is measured on them.

    Raises:
      InputError: no run folder, or no checkpoint in it that is whole.
    """
    keep_programs()
    where = _path(workdir)
    config = folder.load_config(where)
    if trust:
        vouch([config, record.defaults(where)])
        sources.search(record.sources(where))
    if others := sorted(set(data or {}) - {"name", "data_dir"}):
        raise InputError(
            f"data={others[0]!r} is no place; dict(name=...) or dict(data_dir=...) is"
        )
    vouch(dict(data or {}))
    overrides = folder.load_overrides(where)
    run = Run(where, config, overrides, best=best, place=dict(data or {}))
    run.trained  # noqa: B018 - what is wrong with the folder is said here
    return run


def _path(workdir: Where) -> Path:
    return Path(expanded(os.fspath(workdir)))


def _as_text(overrides: Mapping[str, Any], home: str = "") -> dict[str, str]:
    """Overrides as a command is given them; of a section those of its keys."""
    texts: dict[str, str] = {}
    for key, value in overrides.items():
        if not isinstance(key, str):
            raise InputError(f"{key!r} is no key of a config, such as 'train.steps'")
        name = f"{home}.{key}" if home else key
        value = copied(value)
        if isinstance(value, Mapping) and "name" not in value:
            texts |= _as_text(value, name)
        else:
            texts[name] = str(plain(value, f"override of {name!r}"))
    return texts
