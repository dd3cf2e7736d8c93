"""The run folder: who may write it, and which config made it."""

import importlib.metadata
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax

from genlab import __version__
from genlab import config as configs
from genlab.checkpoint import flatten
from genlab.errors import InputError
from genlab.experiment import State
from genlab.lock import held
from genlab.recipe import Recipe
from genlab.writer import write_atomic

# What may differ when a run goes on in its folder: how long, how it is watched, where it runs.
RESUMABLE = (
    *("log", "eval", "sample", "checkpoint", "parallel", "devices"),
    *("train.steps", "train.steps_per_call", "data.backend", "data.data_dir"),
)

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def parameter_table(state: State) -> dict[str, dict[str, Any]]:
    """Every parameter by its flat name, `player/role/module/parameter`, with shape and count."""
    return {
        name: {
            "shape": list(leaf.shape),
            "dtype": str(leaf.dtype),
            "count": math.prod(leaf.shape),
        }
        for name, leaf in flatten(state.params).items()
    }


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Keeps every other writer out of the folder.

    Raises:
      InputError: another process holds it, or the folder cannot be made.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(workdir / ".lock", wait=False))
        except BlockingIOError:
            raise InputError(
                f"run folder {str(workdir)!r} is in use by another process;"
                " wait for it or name another with --workdir=DIR"
            ) from None
        except OSError as error:
            raise InputError(
                f"run folder {str(workdir)!r} cannot be written ({error.strerror});"
                " --workdir=DIR names another"
            ) from None
        yield


def in_use(workdir: Path) -> bool:
    """Whether another process holds the folder."""
    try:
        with locked(workdir):
            return False
    except InputError:
        return True


def claim(workdir: Path, recipe: Recipe, overrides: dict[str, Any]) -> None:
    """Writes `config.json`, or checks that the folder was made by a config that can go on.

    Raises:
      InputError: the folder's config differs in a key that changes the trajectory.
    """
    path = workdir / "config.json"
    if path.exists():
        _check_same(path, load_config(workdir), recipe.config)
    record = {
        "config": recipe.config,
        "overrides": overrides,
        "versions": {"genlab": __version__}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "git": _git_commit(),
        "devices": [device.device_kind for device in jax.devices()],
        "command": " ".join(["python", *sys.argv]),
        "parameters": parameter_table(recipe.shapes()),
    }
    write_atomic(path, json.dumps(record, indent=1))


def load_config(workdir: Path) -> dict[str, Any]:
    """The resolved config of a run folder.

    Raises:
      InputError: no run folder there.
    """
    path = workdir / "config.json"
    try:
        config = json.loads(path.read_text())["config"]
        configs.check_keys(config)
    except OSError:
        raise InputError(
            f"{str(workdir)!r} is not a run folder: it has no config.json"
        ) from None
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read: it is not a run's config ({error})"
        ) from error
    return config


def read_results(workdir: Path, step: int) -> dict[str, Any] | None:
    """What `results.json` holds; None unless it is of the state after `step` rounds."""
    path = workdir / "results.json"
    if not path.exists():
        return None
    results = json.loads(path.read_text())
    return results if results["step"] == step else None


def _check_same(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = _trajectory(old), _trajectory(new)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            raise InputError(
                f"run folder {str(path.parent)!r} was made with {key}={before.get(key)!r}, not"
                f" {after.get(key)!r}; name another with --workdir=DIR"
            )


def _trajectory(config: dict[str, Any]) -> dict[str, Any]:
    """The keys that decide how training goes, by dotted name."""

    def walk(tree: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        for key, value in tree.items():
            name = f"{path}{key}"
            if isinstance(value, dict):
                yield from walk(value, name + ".")
            else:
                yield name, value

    return {
        name: value
        for name, value in walk(config, "")
        if name.split(".")[0] not in RESUMABLE and name not in RESUMABLE
    }


def _git_commit() -> str | None:
    """The commit of the code that runs, None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
