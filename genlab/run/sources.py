"""The code that made a run: its config file and the modules of parts of one's own, kept with hashes.

Of a module the files beside it that it imports are kept too; of one that is installed, itself alone.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genlab import trust
from genlab.config.files import CONFIGS

Sources = dict[str, dict[str, str]]

CONFIG = "--config"  # what the config file is called among the modules
_INSTALLED = {"site-packages", "dist-packages"}

_log = logging.getLogger("genlab")


def sources_of(config: Mapping[str, Any], file: Path | None) -> Sources:
    """Where the code of a run lies, what it says and its hash, by module.

    Args:
      config: the plain config, whose parts are imported.
      file: the config file; None where there is none.
    """
    modules = trust.modules_of(config)
    homes = {_home(module) for module in modules}
    files = {module: _file(module) for module in modules}
    if file is not None:
        homes.add(file.parent)
        files[CONFIG] = file
    homes = {h for h in homes - {CONFIGS, None} if not _INSTALLED & {*h.parts}}
    for module in [*sys.modules] if homes else ():
        if module.partition(".")[0] not in ("genlab", "__main__") and (
            _home(module) in homes and not module.startswith("genlab_config_")
        ):
            files[module] = _file(module)
    sources = {name: _source(path) for name, path in sorted(files.items()) if path}
    return {name: source for name, source in sources.items() if source}


def are_sources(record: Any) -> bool:
    """Whether it is what a run keeps of its code."""
    return isinstance(record, dict) and all(
        isinstance(source, dict)
        and all(isinstance(source.get(key), str) for key in ("file", "sha256", "text"))
        for source in record.values()
    )


def renewed(old: Sources, new: Sources) -> Sources:
    """What is kept of a run that goes on; says in one line which of its code has changed."""
    tell_changes(old, new)
    # It may go on without its config file.
    return {**{name: old[name] for name in (CONFIG,) if name in old}, **new}


def tell_changes(old: Sources, new: Sources) -> None:
    """Says in one line which code has changed since a run was trained."""
    changed = [
        source["file"]
        for name, source in new.items()
        if name in old and old[name]["sha256"] != source["sha256"]
    ]
    if changed:
        _log.warning(
            "%s changed since the run was last trained; its config.json has the text of then",
            " and ".join(changed) + (" have" if len(changed) > 1 else " has"),
        )


def search(sources: Sources) -> None:
    """Lets the code of a run be found where it was, by whoever trusts all that its folder names."""
    places = {}
    for name, source in sources.items():
        file = Path(source["file"])
        depth = name.count(".") + (file.name == "__init__.py")
        # A recipe of genlab's own is nowhere, and a damaged record may name what is not so deep.
        if file.is_absolute() and depth < len(file.parents):
            places[name] = file.parents[depth]
    home = places.pop(CONFIG, None)
    trust.search(home, places.values())


def _source(path: Path) -> dict[str, str] | None:
    """None for what has no text, as a module that was compiled."""
    try:
        content = path.read_bytes()
        text = content.decode()
    except (OSError, ValueError):
        return None
    own = path.resolve().parent == CONFIGS.resolve()
    return {
        "file": f"configs/{path.name}" if own else os.path.abspath(path),
        "sha256": hashlib.sha256(content).hexdigest(),
        "text": text,
    }


def _file(module: str) -> Path | None:
    """Where a module lies; None for a namespace, and for what was typed into an interpreter."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(os.path.abspath(file)) if file else None


def _home(module: str) -> Path | None:
    """The folder that a module, or the package that it is in, was found in."""
    path = _file(module.partition(".")[0])
    if path is None or path.suffix != ".py":
        return None
    return path.parents[1] if path.name == "__init__.py" else path.parent
