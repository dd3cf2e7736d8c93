"""What a run folder, or a sweep's, ends in: everything in it that must not depend on the way there."""

import hashlib
import json
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

_RECORDS = ("results.json", "results.csv", "rungs.json", "evolution.json")
# What names a moment, a process or a machine, and what only helps to look.
_PASSING = ("tensorboard", ".lock", "log.txt", "process.json", ".owners")
_MOMENT = re.compile(r'\s*"measured": "[^"]*",')
_reading = threading.Lock()  # orbax starts an event loop


def of(folder: Path) -> dict[str, Any]:
    """The final arrays, metrics, results and names of files, by what they are."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "metrics.jsonl":
            found[name] = metrics(path)
        elif path.name in _RECORDS:
            found[name] = _MOMENT.sub("", path.read_text())
        elif path.is_dir() and (steps := _steps(path)):
            newest = path / steps[-1]
            found[f"{name}/{newest.name}"] = arrays(newest)
    found["files"] = sorted(_lasting(folder))
    return found


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """A line for everything in which two outcomes differ; none where they are bit-identical."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        one, other = expected.get(name), found.get(name)
        if one is None or other is None:
            lines.append(f"{name}: {'missing' if other is None else 'not expected'}")
        elif one != other:
            lines.append(f"{name}: {_difference(one, other)}")
    return lines


def metrics(path: Path) -> list[str]:
    """The lines of a metrics.jsonl without those that measure time."""
    lines = path.read_text().splitlines()
    return [line for line in lines if not _is_of_time(line)]


def arrays(step: Path) -> dict[str, str]:
    """Every array of a checkpoint as orbax reads it: name -> type, shape and checksum.

    Nothing of genlab is asked, and the folder is copied to a plain name first.
    """
    import numpy as np
    import orbax.checkpoint as ocp

    with _reading, tempfile.TemporaryDirectory() as place:
        copy = Path(shutil.copytree(step / "state", Path(place) / "state"))
        with ocp.PyTreeCheckpointer() as checkpointer:
            names = checkpointer.metadata(copy).item_metadata
            kinds = {name: ocp.RestoreArgs(np.ndarray) for name in names}
            read = checkpointer.restore(copy, restore_args=kinds)
    return {name: fingerprint(array) for name, array in sorted(read.items())}


def fingerprint(array: Any) -> str:
    """Type, shape and checksum of an array."""
    import numpy as np

    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return f"{array.dtype}{list(array.shape)} {digest}"


def _steps(folder: Path) -> list[str]:
    """Names of the checkpoints in a folder, ascending."""
    found = [path.parent.name for path in folder.glob("*/manifest.json")]
    return sorted(filter(_is_step, found))


def _lasting(folder: Path) -> set[str]:
    """Files that a run leaves, those inside of a checkpoint as one."""
    names = set()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.endswith(_PASSING) for part in parts):
            continue
        whole = next((i for i, part in enumerate(parts) if _is_step(part)), len(parts))
        names.add("/".join(parts[: whole + 1]))
    return names


def _is_of_time(line: str) -> bool:
    try:
        return json.loads(line)["split"].endswith("time")
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _difference(one: Any, other: Any) -> str:
    """The first place in which two values differ."""
    if isinstance(one, dict):
        names = [
            k for k in sorted(one.keys() | other.keys()) if one.get(k) != other.get(k)
        ]
        return f"{len(names)} of {len(one)} arrays differ, {names[0]} first"
    if isinstance(one, list):
        missing = [item for item in one if item not in other]
        more = [item for item in other if item not in one]
        if not missing and not more:
            return f"{len(other)} lines, not {len(one)}, or in another order"
        return f"lacks {missing[:2]}, has {more[:2]} instead"
    return f"{str(other)[:200]!r} instead of {str(one)[:200]!r}"


def _is_step(name: str) -> bool:
    return len(name) == 8 and name.isdigit()
