"""The seal of a checkpoint: whose it is, after how many rounds, and a checksum of every file."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.storage import arrays, files, sidefile

FILE = "manifest.json"

# What seals had before they had a checksum of themselves.
_UNSIGNED = {"step", "name", "score", "files"}


def seal(folder: Path, run: str, step: int, **facts: Any) -> None:
    """Writes the manifest of all files in a folder.

    Args:
      folder: a checkpoint, whole.
      run: the identity of the run that it belongs to.
      step: rounds done.
      facts: what else is known of the checkpoint.
    """
    checksums = {
        str(path.relative_to(folder)): _checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {"run": run, "step": step, **facts, "files": checksums}
    manifest["checksum"] = _signature(manifest)
    (folder / FILE).write_text(json.dumps(manifest, indent=1))


def facts(folder: Path) -> dict[str, Any]:
    """What the manifest of a folder says.

    Raises:
      OSError: it cannot be read.
      ValueError: it is not as it was written.
    """
    manifest = sidefile.parsed(files.content(folder / FILE), _is_manifest)
    if manifest is None:
        raise ValueError("it is no manifest")
    signature = manifest.pop("checksum", None)
    if signature != _signature(manifest) and (
        signature is not None or manifest.keys() - _UNSIGNED
    ):
        raise ValueError("it has changed")
    return {"run": "", "name": "", "score": math.inf, **manifest}


def _is_manifest(content: Any) -> bool:
    texts = [
        content.get("run", ""),
        content.get("name", ""),
        *content["files"].values(),
    ]
    score = content.get("score", math.inf)
    return (
        type(content["step"]) is int
        and isinstance(score, int | float)
        and all(isinstance(text, str) for text in texts)
    )


def owner(folder: Path) -> str:
    """The run that a checkpoint belongs to; empty where its manifest does not say."""
    try:
        return facts(folder)["run"]
    except (OSError, ValueError):
        return ""


def damage(folder: Path, run: str, step: int) -> str:
    """What is wrong with a checkpoint on disk; empty where nothing is.

    Args:
      folder: the checkpoint.
      run: the run that it should belong to; empty for any.
      step: rounds that it should be of.
    """
    try:
        manifest = facts(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"its manifest cannot be read: {reason}"
    if manifest["step"] != step:
        return f"it is of step {manifest['step']}, renamed"
    if run and manifest["run"] and manifest["run"] != run:
        return "it is of another run"
    if "state/manifest.ocdbt" not in manifest["files"]:
        # Under a path with brackets orbax once left its parts unmerged, and said nothing.
        return "orbax never finished it"
    for part in arrays.parts(folder):
        if part.name not in manifest["files"]:
            return f"{part.name} is no part of it"
    for file, checksum in manifest["files"].items():
        try:
            if _checksum(folder / file) != checksum:
                return f"{file} has changed"
        except FileNotFoundError:
            return f"{file} is missing"
        except OSError as error:
            return f"{file} cannot be read: {error.strerror}"
        except (InputError, ValueError):  # such as a name with a zero byte
            return f"{file} is no regular file"
    return ""


def _checksum(path: Path) -> str:
    with files.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signature(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
